package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"studysharper/app/study"
)

// picky is an upstream that refuses some requests and answers the others well.
type picky struct {
	refuse func(request map[string]any) (status int, body string)

	mu    sync.Mutex
	calls int
	last  map[string]any
}

func (p *picky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	body, _ := io.ReadAll(r.Body)
	p.last = nil
	if err := json.Unmarshal(body, &p.last); err != nil {
		panic(err)
	}
	if status, body := p.refuse(p.last); status != 0 {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return
	}
	if p.last["stream"] == true {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chunks(`{"content":"text"}`))
		return
	}
	_, _ = io.WriteString(w, goodBody)
}

func (p *picky) client(t *testing.T) *Client {
	t.Helper()
	web := httptest.NewServer(p)
	t.Cleanup(web.Close)
	return client(t, Options{BaseURL: web.URL, Model: "first"})
}

func TestAParameterThatAModelRefusesIsLeftOutFromThenOn(t *testing.T) {
	has := func(field string) func(map[string]any) bool {
		return func(r map[string]any) bool { _, ok := r[field]; return ok }
	}
	system := func(r map[string]any) bool { return r["messages"].([]any)[0].(map[string]any)["role"] == "system" }
	for name, test := range map[string]struct {
		refused  func(map[string]any) bool
		body     string
		streamed bool
	}{
		"max_tokens, by its parameter": {has("max_tokens"), `{"error":{"message":"Use 'max_completion_tokens' instead.","param":"max_tokens"}}`, false},
		"max_tokens, by the message":   {has("max_tokens"), `{"detail":"Unsupported: max_tokens"}`, false},
		"stream_options":               {has("stream_options"), `{"message":{"detail":[{"loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted"}]}}`, true},
		"response_format":              {has("response_format"), `{"error":"'response_format.type' must be 'json_schema' or 'text'"}`, false},
		"the system role":              {system, `{"error":{"message":"System role not supported"}}`, false},
		"streams":                      {has("stream"), `{"error":{"message":"stream is not supported","param":"stream"}}`, true},
	} {
		for _, status := range []int{400, 422} {
			up := &picky{refuse: func(r map[string]any) (int, string) {
				if test.refused(r) {
					return status, test.body
				}
				return 0, ""
			}}
			c, p := up.client(t), prompt()
			p.JSON, p.MaxTokens = true, 100
			var onText func(string)
			shown := ""
			if test.streamed {
				onText = func(s string) { shown += s }
			}
			for range 2 {
				answer, err := c.Generate(t.Context(), p, onText)
				if err != nil || answer.Text != "text" {
					t.Errorf("%s: %+v, %v", name, answer, err)
				}
			}
			if up.calls != 3 || test.streamed && shown != "texttext" {
				t.Errorf("%s: %d calls, want 3: refused, adapted, known; shown %q", name, up.calls, shown)
			}
			if said, _ := json.Marshal(up.last["messages"]); !strings.Contains(string(said), "Be brief.") {
				t.Errorf("%s: the system turn is lost: %s", name, said)
			}
		}
	}
}

func TestSeveralParametersAreLearntInOneRequest(t *testing.T) {
	up := &picky{refuse: func(r map[string]any) (int, string) {
		for _, field := range []string{"max_tokens", "max_completion_tokens", "response_format", "stream_options", "stream"} {
			if r[field] != nil {
				return 400, `{"error":{"message":"Unrecognized request argument: ` + field + `"}}`
			}
		}
		return 0, ""
	}}
	p := prompt()
	p.JSON, p.MaxTokens = true, 100
	c := up.client(t)
	if answer, err := c.Generate(t.Context(), p, func(string) {}); err != nil || answer.Text != "text" || up.calls != 6 {
		t.Errorf("%+v, %v after %d calls", answer, err, up.calls)
	}
	if answer, err := c.Generate(t.Context(), p, func(string) {}); err != nil || answer.Text != "text" || up.calls != 7 {
		t.Errorf("later: %+v, %v after %d calls", answer, err, up.calls)
	}
}

func TestARefusalThatNamesNothingOfOursIsFinal(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":            `{"error":{"message":"no"}}`,
		"what was not sent":  `{"error":{"message":"temperature is not supported"}}`,
		"a longer word":      `{"error":{"message":"the upstream refused"}}`,
		"an empty body":      ``,
		"a body without end": `{"error":`,
	} {
		up := &picky{refuse: func(map[string]any) (int, string) { return 400, body }}
		_, err := up.client(t).Generate(t.Context(), prompt(), nil)
		wantCode(t, err, study.CodeUpstreamFailed)
		if up.calls != 1 {
			t.Errorf("%s: %d calls", name, up.calls)
		}
	}
}

func TestADialectThatDidNotHelpIsForgotten(t *testing.T) {
	refusing := true
	up := &picky{refuse: func(map[string]any) (int, string) {
		if refusing {
			return 400, `{"error":{"message":"max_tokens: ` + promptCanary + `"}}`
		}
		return 0, ""
	}}
	c, p := up.client(t), prompt()
	p.MaxTokens = 100
	_, err := c.Generate(t.Context(), p, nil)
	wantCode(t, err, study.CodeUpstreamFailed)
	wantNoCanary(t, err)
	refusing = false
	if _, err := c.Generate(t.Context(), p, nil); err != nil || up.last["max_tokens"] != 100.0 {
		t.Errorf("%v, asked %v", err, up.last)
	}
}

func TestWhatOneClientHasLearntAnotherKnows(t *testing.T) {
	up := &picky{refuse: func(r map[string]any) (int, string) {
		if r["max_tokens"] != nil {
			return 400, `{"error":{"message":"Use max_completion_tokens instead","param":"max_tokens"}}`
		}
		return 0, ""
	}}
	web := httptest.NewServer(up)
	defer web.Close()
	memory, p := &localMemory{}, prompt()
	p.MaxTokens = 100
	ask := func(model string) (calls int) {
		before := up.calls
		if _, err := client(t, Options{BaseURL: web.URL, Model: model, Memory: memory}).Generate(t.Context(), p, nil); err != nil {
			t.Error(err)
		}
		return up.calls - before
	}
	if first, second := ask("first"), ask("first"); first != 2 || second != 1 {
		t.Errorf("%d calls, then %d", first, second)
	}
	if other := ask("another"); other != 2 {
		t.Errorf("%d calls for a model that nothing is known about", other)
	}
}

func TestTheContextOfAModelIsLearntFromARefusal(t *testing.T) {
	up := &picky{refuse: func(map[string]any) (int, string) {
		return 400, `{"error":{"message":"maximum context length is 4096 tokens; reduce max_tokens","code":"context_length_exceeded"}}`
	}}
	c := up.client(t)
	_, err := c.Generate(t.Context(), prompt(), nil)
	wantCode(t, err, study.CodeTooLong)
	if got := c.ContextTokens(t.Context()); got != 4096 || up.calls != 1 {
		t.Errorf("context of %d tokens after %d calls", got, up.calls)
	}
}

func TestARefusedKeyDegradesAllThatShareTheMemory(t *testing.T) {
	memory := &localMemory{}
	fail := true
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}`)
	}))
	t.Cleanup(up.Close)
	asks := client(t, Options{BaseURL: up.URL + "/v1", Model: "m", Memory: memory})
	idle := client(t, Options{BaseURL: up.URL + "/v1", Model: "m", Memory: memory})
	for n := range refuseStreak + 1 {
		if got := idle.Health().FirstRefusing; got != (n >= refuseStreak) {
			t.Errorf("after %d refusals: %v", n, got)
		}
		_, _ = asks.Generate(t.Context(), prompt(), nil)
	}
	fail = false
	if _, err := idle.Generate(t.Context(), prompt(), nil); err != nil || asks.Health().FirstRefusing {
		t.Errorf("%v; still refusing after an answer", err)
	}
}

func TestTheContextIsLearntFromTheListOfModelsAtUse(t *testing.T) {
	var lists atomic.Int32
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lists.Add(1)
		_, _ = io.WriteString(w, `{"data":[{"id":"other","context_length":1},{"id":"m","context_length":8192}]}`)
	}))
	t.Cleanup(up.Close)
	memory := &localMemory{}
	for range 2 {
		c := client(t, Options{BaseURL: up.URL + "/v1", Model: "m", Memory: memory})
		for range 2 {
			if got := c.ContextTokens(t.Context()); got != 8192 {
				t.Errorf("%d tokens", got)
			}
		}
	}
	if lists.Load() != 1 {
		t.Errorf("asked %d times", lists.Load())
	}
	unknown := client(t, Options{BaseURL: up.URL + "/v1", Model: "not listed"})
	if unknown.ContextTokens(t.Context()) != 0 || unknown.ContextTokens(t.Context()) != 0 || lists.Load() != 2 {
		t.Errorf("asked %d times", lists.Load())
	}
}
