package agent

import (
	"slices"
	"strings"
	"testing"

	"studysharper/app/agent/agenttest"
	"studysharper/app/agent/prompt"
	"studysharper/app/study"
)

func TestWeakTopicsGetMoreWeightWhereTheMaterialHasThem(t *testing.T) {
	for _, c := range []struct {
		name     string
		typ      study.Type
		options  study.Options
		material bool
		want     []string
	}{
		{"a quiz", study.Quiz, study.Options{}, true, []string{"Metaphase", "PROPHASE"}},
		{"flashcards", study.Flashcards, study.Options{}, true, []string{"Metaphase", "PROPHASE"}},
		{"a plan", study.Plan, study.Options{}, true, []string{"Metaphase", "PROPHASE"}},
		{"without material", study.Exam, study.Options{}, false, []string{"Metaphase", "The French Revolution", "PROPHASE"}},
		{"a topic of its own", study.Quiz, study.Options{Topic: "anaphase"}, true, nil},
		{"areas of its own", study.Analysis, study.Options{FocusAreas: []string{"anaphase"}}, true, nil},
		{"a chat", study.Chat, study.Options{}, true, nil},
		{"a summary", study.Summary, study.Options{}, true, nil},
	} {
		b := newBench(agenttest.Says(agenttest.GoodAnswer(c.typ)), Options{Deterministic: true})
		b.Store.Weak = []string{"Metaphase", "The French Revolution", "PROPHASE"}
		if c.material {
			c.options.Content = agenttest.Source
		}
		req := study.Request{Type: c.typ, UserID: agenttest.Alice, Message: "Mitosis, please.", Options: c.options}
		brief, _ := briefOf(t, b, req)
		turns := prompt.Build(b.Model.Prompts[0].Brief).Turns
		told := strings.Contains(turns[len(turns)-1].Text, `give them more weight where they fit: "Metaphase", `)
		if !slices.Equal(brief.Weak, c.want) || told != (c.want != nil) {
			t.Errorf("%s: %q, told %v", c.name, brief.Weak, told)
		}
	}
}

func TestStudentsWhoAreWeakElsewhereShareAnAnswer(t *testing.T) {
	b := newBench(agenttest.Says(agenttest.GoodAnswer(study.Quiz)), Options{Deterministic: true})
	for _, c := range []struct {
		weak  []string
		calls int
	}{{nil, 1}, {[]string{"The French Revolution"}, 1}, {[]string{"Metaphase"}, 2}, {[]string{"Metaphase", "The French Revolution"}, 2}, {nil, 2}} {
		b.Store.Weak = c.weak
		if _, err := b.Run(t.Context(), agenttest.Asking(study.Quiz), nil); err != nil || b.Model.Calls() != c.calls {
			t.Errorf("%q: %v, %d calls", c.weak, err, b.Model.Calls())
		}
	}
}
