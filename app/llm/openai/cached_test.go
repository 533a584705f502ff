package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"studysharper/app/study"
	"studysharper/loadtest/fakellm"
)

func TestTheStablePartIsMarkedForClaudesCache(t *testing.T) {
	for _, c := range []struct {
		model  string
		d      dialect
		stable int
		marked bool
	}{
		{"anthropic/claude-haiku-4.5", 0, minCached, true},
		{"anthropic/claude-haiku-4.5", noSystem, minCached, true},
		{"anthropic/claude-haiku-4.5", 0, minCached - 1, false},
		{"openai/gpt-5-mini", 0, minCached, false},
	} {
		stable := strings.Repeat("x", c.stable)
		p := study.Prompt{Turns: []study.Turn{{Role: study.RoleSystem, Text: "rules"}, {Role: study.RoleUser, Text: stable + "task", Stable: c.stable}}}
		body, err := encodeRequest(c.model, c.d, p, false)
		if err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Messages []struct{ Content json.RawMessage }
		}
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatal(err)
		}
		last := sent.Messages[len(sent.Messages)-1].Content
		var parts []wirePart
		if marked := json.Unmarshal(last, &parts) == nil; marked != c.marked {
			t.Fatalf("%s: content %.40s", c.model, last)
		}
		if c.marked && (len(parts) != 2 || !strings.HasSuffix(parts[0].Text, stable) || parts[1].Text != "task" || parts[0].CacheControl["type"] != "ephemeral" || parts[1].CacheControl != nil) {
			t.Errorf("%s: %d parts", c.model, len(parts))
		}
	}
}

func TestModelsThatAnsweredUnusablyAreSkipped(t *testing.T) {
	for skip, want := range map[int]int{-1: 0, 0: 0, 1: 1, 2: 1, 9: 1} {
		other := []string{"second", "first"}[want] // this model must not be called
		server, o := fake(t, fakellm.Rule{Model: other, Fault: fakellm.Status, Status: 401})
		o.Fallbacks = []string{"second"}
		p := prompt()
		p.Skip = skip
		answer, err := client(t, o).Generate(t.Context(), p, nil)
		if err != nil || answer.Rank != want || server.Counts().Calls != 1 {
			t.Errorf("%d skipped: %v, %+v", skip, err, answer)
		}
	}
}
