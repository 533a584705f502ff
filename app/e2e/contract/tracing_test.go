package contract_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// tracedModel is a model that records the traceparent of its calls.
type tracedModel struct {
	*fakellm.Server
	mu   sync.Mutex
	came []string
}

func (m *tracedModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.came = append(m.came, r.Header.Get("Traceparent"))
	m.mu.Unlock()
	m.Server.ServeHTTP(w, r)
}

func (m *tracedModel) last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.came) == 0 {
		return "not called"
	}
	return m.came[len(m.came)-1]
}

func newTracedModel() *tracedModel {
	return &tracedModel{Server: fakellm.New(fakellm.Options{Answer: fakellm.StudyAnswer})}
}

// askTraced posts a request with a traceparent, and returns the answer's status and body.
func askTraced(t *testing.T, s *servicetest.Service, path, message, parent string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, strings.NewReader(servicetest.Request("chat", message, nil)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Traceparent", parent)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got map[string]any
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, got
}

func TestATraceIsPassedToTheModelAndLogged(t *testing.T) {
	model := newTracedModel()
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+testkit.HTTPServer(t, model.ServeHTTP)+"/v1", "LOG_CLIENTS=hash")
	if status, got := askTraced(t, s, "/api/ai/process", "What is light?", traceparent); status != 200 || model.last() != traceparent {
		t.Errorf("%d %v, the model got %q", status, got, model.last())
	}
	s.Eventually("the request's line has the trace's id", func() bool { return strings.Contains(s.Log.String(), "trace_id="+traceID) })
	status, begun := askTraced(t, s, "/api/ai/process-stream", "What is shade?", strings.Replace(traceparent, "4bf", "5bf", 1))
	if status != 200 {
		t.Fatalf("%d %v", status, begun)
	}
	s.Watch(begun["stream_url"].(string))
	if want := strings.Replace(traceparent, "4bf", "5bf", 1); model.last() != want {
		t.Errorf("a run in the background: the model got %q", model.last())
	}
	if status, got := askTraced(t, s, "/api/ai/process", "What is dusk?", "00-"+strings.Repeat("0", 32)+"-00f067aa0ba902b7-01"); status != 200 || model.last() != "" {
		t.Errorf("an invalid one: %d %v, the model got %q", status, got, model.last())
	}
	s.Eventually("both requests have a line", func() bool { return strings.Count(s.Log.String(), "route=/api/ai/process ") == 2 })
	if strings.Contains(s.Log.String(), "trace_id=0") {
		t.Error("an invalid one is logged")
	}
	marks := map[string]bool{}
	for _, found := range regexp.MustCompile(`client=([0-9a-f]{16})\b`).FindAllStringSubmatch(s.Log.String(), -1) {
		marks[found[1]] = true
	}
	if len(marks) != 1 || strings.Contains(s.Log.String(), "client=127") {
		t.Errorf("one client has the marks %v", marks)
	}
}

// collector records the spans that it receives, by name.
type collector struct {
	mu    sync.Mutex
	spans map[string]map[string]any
}

func (c *collector) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var body struct {
		ResourceSpans []struct {
			ScopeSpans []struct{ Spans []map[string]any }
		}
	}
	text, _ := io.ReadAll(r.Body)
	if json.Unmarshal(text, &body) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range body.ResourceSpans[0].ScopeSpans[0].Spans {
		if span["traceId"] == traceID {
			c.spans[span["name"].(string)] = span
		}
	}
}

func (c *collector) has(names ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		if c.spans[name] == nil {
			return false
		}
	}
	return true
}

// TestTheTaggedBuildSendsSpans builds the program with the tag otel, and makes it send the spans of a request, its run
// and its model call to a collector.
func TestTheTaggedBuildSendsSpans(t *testing.T) {
	testkit.SkipShort(t, "builds the program")
	program := filepath.Join(t.TempDir(), "studysharper")
	build := exec.Command("go", "build", "-buildvcs=false", "-tags", "otel", "-o", program, "./app")
	build.Dir = testkit.Root()
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	model, spans := newTracedModel(), &collector{spans: map[string]map[string]any{}}
	s := servicetest.StartChanged(t, func(cmd *exec.Cmd) { cmd.Path = program }, "LLM_API_KEY=k", "LLM_MODEL=m", "LLM_BASE_URL="+testkit.HTTPServer(t, model.ServeHTTP)+"/v1",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+testkit.HTTPServer(t, spans.ServeHTTP))
	if status, got := askTraced(t, s, "/api/ai/process", "What is light?", traceparent); status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	request, run, call := "POST /api/ai/process", "run chat", "chat m"
	s.Eventually("the spans come", func() bool { return spans.has(request, run, call) })
	got := spans.spans
	if got[request]["parentSpanId"] != "00f067aa0ba902b7" || got[run]["parentSpanId"] != got[request]["spanId"] || got[call]["parentSpanId"] != got[run]["spanId"] {
		t.Errorf("the spans are not below each other: %v", got)
	}
	if want := "00-" + traceID + "-" + got[call]["spanId"].(string) + "-01"; model.last() != want {
		t.Errorf("the model got %q, want %q", model.last(), want)
	}
}
