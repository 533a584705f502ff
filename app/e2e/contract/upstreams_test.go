package contract_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/llm/upstreamtest"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// Words that only the operator, the student or the upstream may see. Some upstreams quote the key
// (key-canary in the corpus) or the prompt.
const (
	keyCanary      = "key-canary-0123456789abcdef"
	promptCanary   = "prompt-canary-0123456789"
	upstreamCanary = "upstream-canary-0123456789"
)

// answerWords occur in all answers of the corpus and in the material.
var answerWords = []string{"stroma", "hlorophyll", "hylakoid", "hotosynthesis"}

// checkClean fails if a text that is not an answer contains a canary.
func checkClean(t *testing.T, where, text string) {
	t.Helper()
	for _, word := range append([]string{"canary"}, answerWords...) {
		if at := strings.Index(text, word); at >= 0 {
			t.Errorf("%s: %q is in %s", where, word, text[max(0, at-100):min(len(text), at+100)])
		}
	}
}

// upstreamRun makes requests for one case, and requests with good answers after a failure, so that no breaker opens.
type upstreamRun struct {
	*servicetest.Service
	up    *upstreamtest.Server
	asked int
}

func (r *upstreamRun) ask(c upstreamtest.Case, path string) (int, map[string]any) {
	r.T.Helper()
	r.up.Play(c)
	r.asked++
	return r.Ask("POST", path, servicetest.Request(string(c.Type), fmt.Sprint(promptCanary, " ", r.asked), map[string]any{
		"content": fmt.Sprint(upstreamtest.Material, " ", promptCanary, r.asked), "count": upstreamtest.Items, "question_count": upstreamtest.Items}))
}

// recover makes three successful calls, which outweigh those of a case.
func (r *upstreamRun) recover() {
	r.T.Helper()
	good := upstreamtest.Answer(upstreamtest.Good[study.Chat], "stop", false)
	for range 3 {
		if code, got := r.ask(upstreamtest.Case{Behaviour: "good", Type: study.Chat, First: good, Second: good}, "/api/ai/process"); code != http.StatusOK {
			r.T.Fatalf("a good answer: %d, %v", code, got)
		}
	}
}

// stream runs a case with streaming, and returns the errors in its events.
func (r *upstreamRun) stream(c upstreamtest.Case) string {
	r.T.Helper()
	code, got := r.ask(c, "/api/ai/process-stream")
	if code != http.StatusOK {
		return fmt.Sprint(code, got)
	}
	failed := ""
	for _, e := range r.Watch(got["stream_url"].(string)) {
		if e["type"] == "error" {
			raw, _ := json.Marshal(e) // cannot fail for decoded JSON
			failed += string(raw)
		}
	}
	return failed
}

func (r *upstreamRun) read(path string) string {
	r.T.Helper()
	req, err := http.NewRequestWithContext(r.T.Context(), http.MethodGet, r.URL+path, nil)
	if err != nil {
		r.T.Fatal(err)
	}
	req.Header.Set("X-Admin-Token", servicetest.AdminToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.T.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || len(text) == 0 {
		r.T.Errorf("%s: %d, %d bytes", path, res.StatusCode, len(text))
	}
	return string(text)
}

// upstreamCases returns the corpus for a chat and for flashcards; cases after which the model is not called for long
// come last.
func upstreamCases() (list []upstreamtest.Case) {
	var last []upstreamtest.Case
	for _, b := range upstreamtest.Behaviours() {
		for _, c := range b.Cases() {
			switch {
			case c.Type != study.Chat && c.Type != study.Flashcards, c.Usual:
			case c.Behaviour == "e429_gemini_retrydelay":
				last = append(last, c.Plant(upstreamCanary))
			default:
				list = append(list, c.Plant(upstreamCanary))
			}
		}
	}
	return append(list, last[0])
}

func TestNothingOfAnUpstreamGetsIntoLogsErrorsOrMetrics(t *testing.T) {
	testkit.SkipShort(t, "starts the program and replays the corpus")
	up := &upstreamtest.Server{}
	s := servicetest.Start(t, "LLM_API_KEY="+keyCanary, "LLM_BASE_URL="+up.Listen(t), "LLM_MODEL=test/model", "LOG_LEVEL=debug", "WEB_CONCURRENCY=1", "MAX_REQUESTS=0")
	r := &upstreamRun{Service: s, up: up}
	failed := 0
	for _, c := range upstreamCases() {
		said := ""
		if c.Stream {
			said = r.stream(c)
		} else if code, got := r.ask(c, "/api/ai/process"); code != http.StatusOK {
			said = fmt.Sprint(got)
		}
		if up.Calls.Load() == 0 {
			t.Errorf("%s: the upstream was not asked: %s", c.Name(), said)
		}
		checkClean(t, c.Name(), said)
		if said != "" && c.Behaviour != "e429_gemini_retrydelay" {
			failed++
			r.recover()
		}
	}
	t.Logf("%d requests, %d failed", r.asked, failed)
	if failed < 50 {
		t.Errorf("only %d requests failed: the errors were not looked at", failed)
	}
	for _, path := range []string{"/metrics", "/api/admin/metrics", "/api/admin/errors?limit=100", "/health"} {
		checkClean(t, path, r.read(path))
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	checkClean(t, "the log", s.Log.String())
}
