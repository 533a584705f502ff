package cluster_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/store/postgrestest"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
	"studysharper/loadtest/fakellm"
)

// components returns the status of /health and of its components.
func components(s *servicetest.Service) (status string, parts map[string]any) {
	s.T.Helper()
	_, got := s.Ask("GET", "/health", "")
	parts, _ = got["components"].(map[string]any)
	status, _ = got["status"].(string)
	return status, parts
}

func TestInstancesShareTheirRateLimits(t *testing.T) {
	redis := redistest.Start(t)
	limits := []string{"REDIS_URL=" + redis.URL(), "RATE_LIMIT_PER_MINUTE=4"}
	a, b := servicetest.Start(t, limits...), servicetest.Start(t, limits...)
	post := func(s *servicetest.Service) int {
		status, _ := s.Ask("POST", "/api/ai/process-stream", `{"type":"chat","user_id":"ada","message":"hello"}`)
		return status
	}
	for range 2 {
		if x, y := post(a), post(b); x != 200 || y != 200 {
			t.Fatalf("within the limit: %d, %d", x, y)
		}
	}
	if x, y := post(a), post(b); x != 429 || y != 429 {
		t.Errorf("one past the limit: %d, %d", x, y)
	}
}

func TestRunsAndStreamsAreAdmittedOverAllInstances(t *testing.T) {
	redis := redistest.Start(t)
	fake := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{Fault: fakellm.Hang}}})
	env := []string{"LLM_API_KEY=k", "LLM_BASE_URL=" + testkit.HTTPServer(t, fake.ServeHTTP) + "/v1", "GRACEFUL_TIMEOUT=0",
		"REDIS_URL=" + redis.URL(), "MAX_CONCURRENT_RUNS_TOTAL=2", "SSE_MAX_STREAMS_TOTAL=2"}
	a, b := servicetest.Start(t, env...), servicetest.Start(t, env...)
	post := func(s *servicetest.Service) (int, string) {
		status, got := s.Ask("POST", "/api/ai/process-stream", `{"type":"chat","user_id":"ada","message":"hello `+uuid.NewString()+`"}`)
		session, _ := got["session_id"].(string)
		return status, session
	}
	first, atA := post(a)
	second, atB := post(b)
	if first != 200 || second != 200 {
		t.Fatalf("runs: %d %d, want two", first, second)
	}
	for _, s := range []*servicetest.Service{a, b} { // a Redis that a busy machine delays for 50 ms refuses nothing, so one refusal in eight is enough
		refused := false
		for i := 0; i < 8 && !refused; i++ {
			status, _ := post(s)
			refused = status == 503
		}
		if !refused {
			t.Error("eight runs above the bound were let in")
		}
	}
	a.Open(0, atA)
	b.Open(0, atB)
	for _, s := range []*servicetest.Service{a, b} {
		if status, got := s.Ask("GET", "/api/ai/stream/"+uuid.NewString(), ""); status != 503 {
			t.Errorf("the third stream: %d %v", status, got)
		}
		s.Eventually("streams are counted over all instances", func() bool {
			_, got := s.Ask("GET", "/api/ai/stream-status", "")
			return got["active_connections"] == 2.0
		})
	}
}

func TestAnInstanceGoesOnByItselfWhileRedisIsAway(t *testing.T) {
	redis := redistest.Start(t)
	s := servicetest.Start(t, "REDIS_URL="+redis.URL(), "RATE_LIMIT_PER_MINUTE=1000")
	works := func(when string) {
		t.Helper()
		status, got := s.Ask("POST", "/api/ai/process", `{"type":"chat","user_id":"ada","message":"hello `+when+`"}`)
		if status != 200 {
			t.Errorf("%s: a chat: %d %v", when, status, got)
		}
		status, got = s.Ask("POST", "/api/ai/process-stream", `{"type":"chat","user_id":"ada","message":"hello again `+when+`"}`)
		if status != 200 {
			t.Fatalf("%s: a run: %d %v", when, status, got)
		}
		events := s.Watch(got["stream_url"].(string))
		if len(events) == 0 || events[len(events)-1]["type"] != "complete" {
			t.Errorf("%s: the stream is %v", when, events)
		}
	}
	works("with Redis")
	if status, parts := components(s); status != "healthy" || parts["cache"] != "healthy" {
		t.Errorf("with Redis: %s, %v", status, parts)
	}
	for range 3 {
		redis.Kill()
		works("without Redis")
		s.Eventually("it says so", func() bool {
			status, parts := components(s)
			return status == "degraded" && parts["cache"] == "degraded" && parts["rate_limiting"] == "degraded" && parts["sse_streaming"] == "degraded"
		})
		if status, _ := s.Ask("GET", "/readyz", ""); status != 200 {
			t.Errorf("not ready without Redis: %d", status)
		}
		redis.Resume(t)
		back := time.Now()
		s.Eventually("it is whole again", func() bool { status, _ := components(s); return status == "healthy" })
		t.Logf("whole again after %v", time.Since(back))
	}
	works("with Redis again")
}

func TestAnInstanceStartsWithoutRedisButNotWithAWrongPassword(t *testing.T) {
	redis := redistest.Start(t, "--requirepass", "the-right-one")
	redis.Kill()
	s := servicetest.Start(t, "REDIS_URL=redis://:the-right-one@"+redis.Addr())
	if status, _ := components(s); status != "degraded" {
		t.Errorf("without Redis: %s", status)
	}
	redis.Resume(t)
	s.Eventually("it is whole", func() bool { status, _ := components(s); return status == "healthy" })
	cmd := servicetest.Program(t, []string{"PORT=0", "REDIS_URL=redis://:hunter2@" + redis.Addr()}, "serve")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != servicetest.ExitUsage {
		t.Errorf("status %v, want %d", err, servicetest.ExitUsage)
	}
	if !strings.Contains(said.String(), "REDIS_URL") || !strings.Contains(said.String(), "WRONGPASS") || strings.Contains(said.String(), "hunter2") {
		t.Errorf("said:\n%s", &said)
	}
}

func TestARunOfOneInstanceIsWatchedAtAnother(t *testing.T) {
	redis := redistest.Start(t)
	env := []string{"REDIS_URL=" + redis.URL(), "DATABASE_URL=" + postgrestest.Start(t).Database(t), "MAX_REQUESTS=25", "MAX_REQUESTS_JITTER=5", "MIN_WORKER_AGE=0"}
	a, b := servicetest.Start(t, env...), servicetest.Start(t, env...)
	for i := range 60 { // both recycle their workers meanwhile
		status, got := a.Ask("POST", "/api/ai/process-stream", fmt.Sprintf(`{"type":"chat","user_id":"ada","message":"hello %d"}`, i))
		if status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		events := b.Watch(got["stream_url"].(string))
		for n, e := range events {
			if e["seq"] != float64(n+1) {
				t.Fatalf("run %d: event %d is %v", i, n+1, e)
			}
		}
		if len(events) == 0 || events[len(events)-1]["type"] != "complete" {
			t.Fatalf("run %d: the stream is %v\n%s", i, events, b.Log)
		}
	}
}

func TestWhatOneInstanceHasMadeOrChangedAnotherKnows(t *testing.T) {
	redis := redistest.Start(t)
	env := []string{"REDIS_URL=" + redis.URL(), "DATABASE_URL=" + postgrestest.Start(t).Database(t)}
	a, b := servicetest.Start(t, env...), servicetest.Start(t, env...)
	ask := func(s *servicetest.Service) (hit bool, result string) {
		_, body, header := exchangeHeader(s, "POST", "/api/ai/process", `{"type":"chat","user_id":"ada","message":"What is a quark?"}`)
		return header.Get("X-Cache") == "HIT", body
	}
	_, note := a.Ask("POST", "/api/notes", `{"user_id":"ada","title":"Quarks","content":"A quark is particle0."}`)
	a.Eventually("what one has made the other finds", func() bool {
		_, _ = ask(a)
		hit, _ := ask(b)
		return hit
	})
	for n := range 20 { // each instance is asked after the other has changed it
		changes, asks := a, b
		if n%2 == 1 {
			changes, asks = b, a
		}
		want := fmt.Sprintf("particle%d.", n+1)
		if status, got := changes.Ask("PATCH", "/api/notes/"+note["id"].(string)+"?user_id=ada", `{"content":"A quark is `+want+`"}`); status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		began := time.Now()
		asks.Eventually("the other instance has the new note", func() bool { _, result := ask(asks); return strings.Contains(result, want) })
		if d := time.Since(began); d > 30*time.Second { // after a minute, cached data of a student expires anyway
			t.Errorf("it took %v", d)
		}
	}
	_, _ = ask(a)
	if status, _ := b.Ask("DELETE", "/api/admin/cache", ""); status != 200 {
		t.Fatal(status)
	}
	a.Eventually("it is cleared at the other instance", func() bool {
		hit, _ := ask(a)
		return !hit
	})
}

// exchangeHeader is Ask, with the answer as text and its headers.
func exchangeHeader(s *servicetest.Service, method, path, body string) (status int, text string, header http.Header) {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return res.StatusCode, string(all), res.Header
}

func TestAClientThatSawARunEndInItsRecordGetsTheNextRun(t *testing.T) {
	redis := redistest.Start(t)
	s := servicetest.Start(t, "REDIS_URL="+redis.URL())
	session, first := s.Post(0, uuid.NewString())
	events := s.Open(0, session).End()
	redis.Kill()
	s.Eventually("Redis is missed", func() bool { status, _ := components(s); return status == "degraded" })
	redis.Resume(t)
	s.Eventually("Redis is back, empty", func() bool { status, _ := components(s); return status == "healthy" })
	end := s.Open(0, session, servicetest.LastID(events[:1])).End()
	if n := len(end); n != 2 || end[0].Type != "gap" || end[1].Type != "complete" || end[1].RunID != first {
		t.Fatalf("a journal that is gone: %+v", end)
	}
	for _, seen := range [][]servicetest.Event{events, end} {
		if again := s.Open(0, session, servicetest.LastID(seen)); again.Status != http.StatusNoContent {
			t.Errorf("after the end: %d", again.Status)
		}
	}
	_, second := s.Post(0, session)
	for _, seen := range [][]servicetest.Event{events, end} {
		next := s.Open(0, session, servicetest.LastID(seen)).End()
		if n := len(next); n == 0 || next[n-1].Type != "complete" || next[n-1].RunID != second {
			t.Errorf("the next run: %+v", next)
		}
	}
}

func TestARunIsCancelledFromAnotherInstance(t *testing.T) {
	redis := redistest.Start(t)
	fake := fakellm.New(fakellm.Options{Rules: []fakellm.Rule{{Fault: fakellm.Hang}}})
	env := []string{"LLM_API_KEY=k", "LLM_BASE_URL=" + testkit.HTTPServer(t, fake.ServeHTTP) + "/v1", "GRACEFUL_TIMEOUT=0",
		"REDIS_URL=" + redis.URL(), "DATABASE_URL=" + postgrestest.Start(t).Database(t)}
	a, b := servicetest.Start(t, env...), servicetest.Start(t, env...)
	for n := range 3 {
		session, run := a.Post(0, uuid.NewString())
		a.Eventually("the model is asked", func() bool { return fake.Counts().Active == 1 })
		watcher := b.Open(0, session)
		began := time.Now()
		if status, got := b.Ask("DELETE", "/api/ai/runs/"+run+"?user_id=student", ""); status != http.StatusAccepted || got["state"] != "cancelled" {
			t.Fatalf("%d %v", status, got)
		}
		a.Eventually("the model's call is ended", func() bool { return fake.Counts().Cancelled == n+1 })
		t.Logf("the model's call ended after %v", time.Since(began))
		if events := watcher.End(); len(events) == 0 || events[len(events)-1].Type != "error" {
			t.Errorf("its reader got %+v", events)
		}
	}
}
