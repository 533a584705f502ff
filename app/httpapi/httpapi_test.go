package httpapi

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"studysharper/app/agent"
	"studysharper/app/limit"
	"studysharper/app/metrics"
	"studysharper/app/study"
)

const chat = `{"type":"chat","user_id":"u","message":"hello"}`

func TestProcessAnswersWithTheContractsFields(t *testing.T) {
	f := serve(t)
	for _, path := range []string{"/api/ai/agent-test", "/api/ai/process"} {
		r := f.ask("POST", path, chat)
		got := r.object(t)
		has(t, got, "status", "result", "execution_time_ms", "model_used", "progress_updates", "message")
		result := got["result"].(map[string]any)
		has(t, result, "success", "intent", "data", "validation", "metadata", "user_id", "session_id", "message", "ignored_options")
		if r.StatusCode != 200 || got["status"] != "success" || r.Header.Get("X-Cache") != "" {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.body)
		}
		if _, ok := study.CanonicalID(result["session_id"].(string)); !ok {
			t.Errorf("session_id %q is not a UUID", result["session_id"])
		}
	}
}

func TestACachedAnswerSaysSo(t *testing.T) {
	f := serve(t)
	f.runs.do = func(q study.Request) (agent.Outcome, error) {
		o, err := answer(q)
		o.FromCache, o.Age = !q.NoCache, 7*time.Second
		return o, err
	}
	if r := f.ask("POST", "/api/ai/process", chat); r.Header.Get("X-Cache") != "HIT" || r.Header.Get("Age") != "7" {
		t.Errorf("got %v", r.Header)
	}
	if r := f.ask("POST", "/api/ai/process", chat, "Cache-Control", "no-cache"); r.Header.Get("X-Cache") != "" {
		t.Errorf("with no-cache: got %v", r.Header)
	}
}

func TestProcessStreamTellsWhereToListen(t *testing.T) {
	f := serve(t)
	got := f.ask("POST", "/api/ai/process-stream", chat).object(t)
	if got["status"] != "processing" || got["stream_url"] != "/api/ai/stream/"+got["session_id"].(string) {
		t.Errorf("got %v", got)
	}
	has(t, got, "run_id", "message")
}

func TestEveryCodeBecomesItsStatus(t *testing.T) {
	f := serve(t)
	want := map[study.Code]int{
		study.CodeMalformed: 400, study.CodeUnauthorized: 401, study.CodeForbidden: 403, study.CodeNotFound: 404,
		study.CodeTooLarge: 413, study.CodeUnsupported: 415, study.CodeInvalid: 422, study.CodeWithheld: 422,
		study.CodeRateLimited: 429, study.CodeInternal: 500, study.CodeUpstreamFailed: 502, study.CodeOverloaded: 503,
		study.CodeUnavailable: 503, study.CodeUpstreamUnavailable: 503, study.CodeUpstreamLimited: 503, study.CodeTimeout: 504, study.CodeUpstreamTimeout: 504,
	}
	over := &limit.Exceeded{Verdict: limit.Verdict{Left: []limit.Left{{Policy: limit.Policies(1, 0)[0]}}}}
	for code, status := range want {
		f.runs.do = func(study.Request) (agent.Outcome, error) {
			return agent.Outcome{}, &study.Error{Code: code, Message: "why", Cause: errors.Join(errors.New("CANARY"), over)}
		}
		r := f.ask("POST", "/api/ai/process", chat)
		got := r.object(t)
		if r.StatusCode != status || got["error"] != got["title"] || got["code"] != string(code.Public()) || got["detail"] != "why" {
			t.Errorf("%s: %d %s", code, r.StatusCode, r.body)
		}
		if ct := r.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s: content type %s", code, ct)
		}
		if retry := r.Header.Get("Retry-After"); (retry != "") != (status == 429 || status == 503) {
			t.Errorf("%s: Retry-After %q", code, retry)
		}
		if strings.Contains(string(r.body), "CANARY") {
			t.Errorf("%s: the cause reaches the client", code)
		}
	}
}

func TestBadInputIsRefusedAndTheWorkerLives(t *testing.T) {
	f := serve(t)
	tests := []struct {
		name, method, path, body string
		header                   []string
		status                   int
		says                     string
	}{
		{"an unknown type", "POST", "/api/ai/process", `{"type":"poem","user_id":"u","message":"m"}`, nil, 422, `"field":"type"`},
		{"missing fields", "POST", "/api/ai/process", `{}`, nil, 422, `"field":"user_id"`},
		{"a wrongly typed field", "POST", "/api/ai/process", `{"type":"chat","user_id":7,"message":"m"}`, nil, 422, `"field":"user_id"`},
		{"a wrongly typed option", "POST", "/api/ai/process", `{"type":"flashcard_generation","user_id":"u","message":"m","options":{"count":"ten"}}`, nil, 422, `"field":"options.count"`},
		{"a negative count", "POST", "/api/ai/process", `{"type":"flashcard_generation","user_id":"u","message":"m","options":{"count":-1}}`, nil, 422, `"field":"options.count"`},
		{"an empty message", "POST", "/api/ai/process", `{"type":"chat","user_id":"u","message":"  "}`, nil, 422, `"field":"message"`},
		{"a session that is not a UUID", "POST", "/api/ai/process", `{"type":"chat","user_id":"u","message":"m","session_id":"x"}`, nil, 422, `"field":"session_id"`},
		{"no JSON", "POST", "/api/ai/process", `hello`, nil, 400, "malformed"},
		{"a JSON list", "POST", "/api/ai/process", `[]`, nil, 400, "malformed"},
		{"nothing", "POST", "/api/ai/process", ``, nil, 400, "malformed"},
		{"two objects", "POST", "/api/ai/process", `{} {}`, nil, 400, "malformed"},
		{"invalid UTF-8", "POST", "/api/ai/process", "{\"type\":\"chat\",\"user_id\":\"u\",\"message\":\"\xff\"}", nil, 400, "UTF-8"},
		{"a NUL character", "POST", "/api/ai/process", `{"type":"chat","user_id":"u","message":"a\u0000b"}`, nil, 422, "NUL"},
		{"deep nesting", "POST", "/api/ai/process", `{"options":` + strings.Repeat("[", 20_000), nil, 400, "malformed"},
		{"a compressed body", "POST", "/api/ai/process", "\x1f\x8b\x08\x00", []string{"Content-Encoding", "gzip"}, 415, "unsupported"},
		{"a stream of no UUID", "GET", "/api/ai/stream/nobody", "", nil, 422, `"field":"session_id"`},
		{"an unknown note", "GET", "/api/notes/00000000-0000-7000-8000-000000000000", "", nil, 404, "not_found"},
		{"an unknown kind of content", "GET", "/api/ai/generated-content/poems?user_id=u", "", nil, 404, "not_found"},
		{"a listing of nobody's notes", "GET", "/api/notes", "", nil, 422, `"field":"user_id"`},
		{"a limit of zero", "GET", "/api/notes?user_id=u&limit=0", "", nil, 422, `"field":"limit"`},
		{"an unknown path", "GET", "/nowhere", "", nil, 404, "not_found"},
		{"a method that is not there", "PUT", "/api/ai/process", "", nil, 405, "Method Not Allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := f.ask(tt.method, tt.path, tt.body, tt.header...)
			if r.StatusCode != tt.status || !strings.Contains(string(r.body), tt.says) {
				t.Errorf("got %d %s, want %d saying %s", r.StatusCode, r.body, tt.status, tt.says)
			}
			if r.Header.Get("X-Request-ID") == "" || r.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("headers: %v", r.Header)
			}
		})
	}
	if r := f.ask("POST", "/api/ai/process", chat); r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

// The body is announced and not sent: a server that refuses it closes the connection, and a client that is still
// writing may then lose the answer to a reset.
func TestABodyOverTheLimitIsRefusedBeforeItIsRead(t *testing.T) {
	f := serve(t)
	for size, want := range map[int]string{64<<10 + 1: "413", 1 << 40: "413"} {
		c := f.dial()
		c.send(fmt.Sprintf("POST /api/ai/process HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", size))
		answer, err := io.ReadAll(c.r)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+want) || !strings.Contains(string(answer), "too_large") {
			t.Errorf("%d bytes: %s, %v", size, answer, err)
		}
	}
	if r := f.ask("POST", "/api/ai/process", chat); r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

func TestAPanicIsA500AndTheNextRequestIsServed(t *testing.T) {
	f := serve(t)
	f.runs.do = func(study.Request) (agent.Outcome, error) { panic("CANARY") }
	r := f.ask("POST", "/api/ai/process", chat)
	if r.StatusCode != 500 || r.object(t)["request_id"] == "" {
		t.Errorf("got %d %s", r.StatusCode, r.body)
	}
	f.runs.do = answer
	if r := f.ask("POST", "/api/ai/process", chat); r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
	if strings.Contains(f.log.String()+string(r.body), "CANARY") {
		t.Error("what was thrown is told")
	}
}

func TestARequestIDIsKeptWhenItIsPlain(t *testing.T) {
	f := serve(t)
	for given, kept := range map[string]bool{
		"abc-123_X.9": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "a b": false, "a\"b": false,
	} {
		got := f.ask("GET", "/livez", "", "X-Request-ID", given).Header.Get("X-Request-ID")
		if (got == given) != kept || got == "" {
			t.Errorf("%q: got %q", given, got)
		}
	}
}

func TestNotesAreMadeReadFoundChangedAndDeleted(t *testing.T) {
	f := serve(t)
	r := f.ask("POST", "/api/notes", `{"user_id":"u","title":"Light","content":"Chlorophyll absorbs blue and red light."}`)
	note := r.object(t)
	path := "/api/notes/" + note["id"].(string)
	if r.StatusCode != 201 || r.Header.Get("Location") != path {
		t.Fatalf("got %d %s", r.StatusCode, r.body)
	}
	found := f.ask("GET", "/api/notes?user_id=u&q=chlorophyll", "").object(t)
	if found["count"] != 1.0 {
		t.Errorf("search: %v", found)
	}
	if other := f.ask("GET", "/api/notes?user_id=v&q=chlorophyll", "").object(t); other["count"] != 0.0 {
		t.Errorf("another user finds it: %v", other)
	}
	if got := f.ask("PATCH", path, `{"title":"Pigments"}`).object(t); got["title"] != "Pigments" || got["content"] != note["content"] {
		t.Errorf("changed: %v", got)
	}
	if r := f.ask("DELETE", path, ""); r.StatusCode != 204 {
		t.Errorf("delete: %d", r.StatusCode)
	}
	if r := f.ask("GET", path, ""); r.StatusCode != 404 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

func TestTheQuotaIsToldOnceAndProbesDoNotCount(t *testing.T) {
	told := 0
	f := serve(t, func(o *Options) { o.Own.Set(metrics.Quota, 3); o.Fleet.(*fakeFleet).quota = func() { told++ } })
	for i, want := range []int{0, 0, 1, 1, 1} {
		f.ask("GET", "/livez", "")
		f.ask("GET", "/api/ai/stream-status", "")
		if told != want {
			t.Errorf("after %d requests: told %d times", i+1, told)
		}
	}
}

func TestARequestThatNeverEndsShowsOnTheBoard(t *testing.T) {
	f := serve(t)
	release := make(chan struct{})
	entered := make(chan struct{})
	f.runs.do = func(q study.Request) (agent.Outcome, error) { close(entered); <-release; return answer(q) }
	done := make(chan reply, 1)
	go func() { done <- f.ask("POST", "/api/ai/process", chat) }()
	<-entered
	page := f.board.Worker(1)
	f.server.Publish(page)
	if at := page.Gauge(metrics.OldestStart); at == 0 || at > metrics.Monotonic() {
		t.Errorf("the oldest request began at %d", at)
	}
	close(release)
	<-done
	f.server.Publish(page)
	if at := page.Gauge(metrics.OldestStart); at != 0 {
		t.Errorf("afterwards: %d", at)
	}
}

func TestAliveGoesTheWayOfRequests(t *testing.T) {
	f := serve(t)
	if !f.server.Alive() {
		t.Error("a healthy server is not alive")
	}
}

func TestCORSNamesOnlyTheOriginsOfTheSettings(t *testing.T) {
	f := serve(t)
	for origin, allowed := range map[string]bool{"http://localhost:3000": true, "http://localhost:3001": false, "http://localhost:3000.evil.example": false, "null": false} {
		got := f.ask("GET", "/livez", "", "Origin", origin).Header.Get("Access-Control-Allow-Origin")
		if (got == origin) != allowed {
			t.Errorf("%s: got %q", origin, got)
		}
	}
}
