package contract_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

func TestEveryTypeIsAnsweredWithoutAKey(t *testing.T) {
	text := servicetest.Notes(t)
	s := servicetest.Start(t)
	want := map[string]string{"chat": "response", "flashcard_generation": "flashcards", "quiz_generation": "quiz", "exam_generation": "exam",
		"summary_generation": "summary", "note_analysis": "analysis", "study_plan": "plan"}
	for kind, field := range want {
		status, got := s.Ask("POST", "/api/ai/agent-test", servicetest.Request(kind, "What is a spectrophotometer?", map[string]any{"content": text}))
		if status != 200 || got["status"] != "success" {
			t.Errorf("%s: %d %v", kind, status, got)
			continue
		}
		result := got["result"].(map[string]any)
		if data := result["data"].(map[string]any); data[field] == nil {
			t.Errorf("%s: no %q in %v", kind, field, data)
		}
		if steps := got["progress_updates"].([]any); len(steps) != 6 {
			t.Errorf("%s: %d steps", kind, len(steps))
		}
	}
}

func TestAStreamOnEitherWorkerHasEveryEventOfTheRun(t *testing.T) {
	text := servicetest.Notes(t)
	s := servicetest.Start(t)
	answered := map[string]bool{}
	for i := range 40 {
		status, got := s.Ask("POST", "/api/ai/process-stream", servicetest.Request("flashcard_generation", fmt.Sprint("cards ", i), map[string]any{"content": text, "count": 3}))
		if status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		events := s.Watch(got["stream_url"].(string))
		if len(events) != 8 || events[0]["type"] != "start" || events[7]["type"] != "complete" {
			t.Fatalf("got %v", events)
		}
		for n, e := range events {
			if e["seq"] != float64(n+1) {
				t.Errorf("event %d has seq %v", n+1, e["seq"])
			}
		}
	}
	for line := range strings.SplitSeq(s.Log.String(), "\n") {
		if _, rest, ok := strings.Cut(line, "msg=request worker="); ok {
			pid, rest, _ := strings.Cut(rest, " ")
			answered[pid+fmt.Sprint(strings.Contains(rest, "/api/ai/stream/"))] = true
		}
	}
	if len(answered) != 4 {
		t.Errorf("posts and streams did not meet both workers: %v", answered)
	}
}

func TestMetricsAreTheSameFromEitherWorker(t *testing.T) {
	s := servicetest.Start(t)
	for i := range 10 {
		s.Ask("POST", "/api/ai/process", servicetest.Request("chat", fmt.Sprint("hello ", i), nil))
	}
	for range 20 {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		runs := got["runs"].(map[string]any)
		if runs["completed"] != 10.0 || runs["active"] != 0.0 || len(got["workers"].([]any)) != 2 {
			t.Fatalf("got %v, %v", runs, got["workers"])
		}
	}
}

func TestAnIdenticalRequestIsAHitOnTheWorkerThatAnsweredIt(t *testing.T) {
	s := servicetest.Start(t, "WEB_CONCURRENCY=1")
	body := servicetest.Request("chat", "What is light?", map[string]any{"content": "Light is a kind of electromagnetic radiation that people can see."})
	for i, want := range []string{"", "HIT", "HIT"} {
		res, err := http.Post(s.URL+"/api/ai/process", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if got := res.Header.Get("X-Cache"); got != want {
			t.Errorf("request %d: X-Cache %q, want %q", i+1, got, want)
		}
	}
	if status, _ := s.Ask("DELETE", "/api/admin/cache", ""); status != 200 {
		t.Fatalf("clear: %d", status)
	}
	s.Eventually("the cache is empty", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["cache"].(map[string]any)["items"] == 0.0
	})
}

func TestAKilledWorkerIsReplacedAndNothingStoredIsLost(t *testing.T) {
	s := servicetest.Start(t)
	status, note := s.Ask("POST", "/api/notes", `{"user_id":"student","title":"Light","content":"Chlorophyll absorbs blue light."}`)
	if status != 201 {
		t.Fatalf("%d %v", status, note)
	}
	victim := int(s.Workers()[0]["pid"].(float64))
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.Eventually("a successor is ready", func() bool { return strings.Count(s.Log.String(), "Worker ready") == 3 })
	for range 20 {
		if status, got := s.Ask("GET", "/api/notes/"+note["id"].(string), ""); status != 200 {
			t.Errorf("%d %v", status, got)
		}
	}
	_, got := s.Ask("GET", "/api/admin/metrics", "")
	if crashes := got["recycles"].(map[string]any)["crash"]; crashes != 1.0 {
		t.Errorf("%v crashes counted", crashes)
	}
}

func TestTermStopsGracefullyWithWorkInFlight(t *testing.T) {
	asked, told := make(chan struct{}, 1), make(chan struct{})
	upstream := testkit.HTTPServer(t, func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-told
		_, _ = io.WriteString(w, `{"model":"m","choices":[{"message":{"role":"assistant","content":"still here"},"finish_reason":"stop"}]}`)
	})
	s := servicetest.Start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream)
	answered := make(chan int, 1)
	go func() {
		status, _ := s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "hello", nil))
		answered <- status
	}()
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	s.Eventually("the service is stopping", func() bool { return strings.Contains(s.Log.String(), "Shutting down: master") })
	close(told)
	if err := <-stopped; err != nil {
		t.Errorf("exit: %v\n%s", err, s.Log)
	}
	if status := <-answered; status != 200 {
		t.Errorf("the request in flight got %d\n%s", status, s.Log)
	}
}

func TestTermAtAnyMomentOfTheBootStopsCleanly(t *testing.T) {
	for wait := time.Duration(0); wait < 60*time.Millisecond; wait += time.Duration(testkit.Size(9, 3)) * time.Millisecond {
		log := &servicetest.Log{}
		cmd := servicetest.Program(t, []string{"HOST=127.0.0.1", "PORT=0", "GRACEFUL_TIMEOUT=60"}, "serve")
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "it listens", func() bool { return strings.Contains(log.String(), "Listening at: ") }) // before that, TERM just ends it
		testkit.Pause(wait)
		began := time.Now()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || time.Since(began) > 30*time.Second { // half of GRACEFUL_TIMEOUT
			t.Errorf("TERM after %v: %v in %v\n%s", wait, err, time.Since(began), log)
		}
	}
}

// version returns the version that the program prints.
func version(t *testing.T) string {
	t.Helper()
	printed, err := servicetest.Program(t, nil, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	name, rest, _ := strings.Cut(string(printed), " ")
	number, commit, _ := strings.Cut(rest, " (commit ")
	if name != "studysharper" || number == "" || commit == "" {
		t.Fatalf("the version is %q", printed)
	}
	return number
}

func TestCommandsExitAsTheContractSays(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	_, port, _ := net.SplitHostPort(busy.Addr().String())
	tests := []struct {
		name string
		env  []string
		args []string
		exit int
		says string
	}{
		{"version", nil, []string{"version"}, 0, "studysharper " + version(t)},
		{"check-config", []string{"ADMIN_TOKEN=canary-token-canary"}, []string{"check-config"}, 0, "ADMIN_TOKEN=[redacted]"},
		{"check-config with two faults", []string{"PORT=x", "WEB_CONCURRENCY=0"}, []string{"check-config"}, 2, "WEB_CONCURRENCY=\"0\": must be"},
		{"a worker by hand", nil, []string{"worker"}, 2, "studysharper: 'worker' is internal; run `studysharper serve`\n"},
		{"an unknown command", nil, []string{"dance"}, 2, "dance"},
		{"an unknown flag", nil, []string{"serve", "--fast"}, 2, "--fast"},
		{"a flag's bad value", nil, []string{"serve", "--workers", "zero"}, 2, "--workers=\"zero\""},
		{"an invalid bind", nil, []string{"serve", "--bind", "8000"}, 2, "--bind"},
		{"a port in use", []string{"HOST=127.0.0.1", "PORT=" + port}, nil, 3, fmt.Sprintf("another process (pid %d) listens", os.Getpid())},
		{"a jitter without max-requests", []string{"HOST=127.0.0.1", "PORT=" + port, "MAX_REQUESTS=0", "MAX_REQUESTS_JITTER=5"}, nil, 3, "MAX_REQUESTS_JITTER has no effect"},
		{"production without users", []string{"ENVIRONMENT=production", "AUTH_MODE=none", "ADMIN_TOKEN=" + servicetest.AdminToken, "HOST=127.0.0.1", "PORT=" + port}, nil, 3, "AUTH_MODE=none"},
		{"two ways to prove who one is", []string{"JWT_SECRET=canary", "JWT_JWKS_URL=https://u:canary@issuer.example"}, nil, 2, "JWT_JWKS_URL"},
		{"a worker's memory below an idle worker's", []string{"MAX_WORKER_MEMORY_MB=1"}, nil, 2, "MAX_WORKER_MEMORY_MB"},
		{"a worker's memory above the container's", []string{"MAX_WORKER_MEMORY_MB=1048576"}, nil, 2, "MAX_WORKER_MEMORY_MB"},
		{"no worker at all", []string{"WEB_CONCURRENCY=0"}, nil, 2, "WEB_CONCURRENCY"},
		{"more workers than there may be", []string{"WEB_CONCURRENCY=1000000"}, nil, 2, "from 1 to 32"},
		{"an unwritable database", []string{"PORT=0", "DATABASE_URL=sqlite:/proc/nowhere/x.db"}, nil, 3, "studysharper: unavailable: the database folder cannot be used"},
		{"migrate", []string{"DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "x.db")}, []string{"migrate"}, 0, ""},
		{"migrate an unwritable database", []string{"DATABASE_URL=sqlite:/proc/nowhere/x.db"}, []string{"migrate"}, 1, "studysharper: unavailable: the database folder cannot be used"},
		{"healthcheck of nothing", nil, []string{"healthcheck", "--url", "http://127.0.0.1:1/readyz"}, 1, "not ready"},
		{"unsafe production", []string{"ENVIRONMENT=production"}, nil, 2, "ADMIN_TOKEN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := servicetest.Program(t, tt.env, tt.args...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != tt.exit || !strings.Contains(string(out), tt.says) {
				t.Errorf("exit %v (%v), want %d saying %q:\n%s", cmd.ProcessState, err, tt.exit, tt.says, out)
			}
			if strings.Contains(string(out), "canary") || strings.Contains(string(out), "goroutine ") {
				t.Errorf("a secret or a stack trace:\n%s", out)
			}
		})
	}
}

// TestEveryPlaceNamesTheSameVersion includes the defaults of the builds.
func TestEveryPlaceNamesTheSameVersion(t *testing.T) {
	s := servicetest.Start(t)
	_, root := s.Ask("GET", "/", "")
	_, health := s.Ask("GET", "/health", "")
	_, document := s.Ask("GET", "/openapi.json", "")
	_, exposed := s.Scrape()
	version := version(t)
	for place, said := range map[string]string{"/": root["version"].(string), "/health": health["version"].(string), "/openapi.json": document["info"].(map[string]any)["version"].(string)} {
		if said != version {
			t.Errorf("%s says %q, want %q", place, said, version)
		}
	}
	for place, line := range map[string][2]string{
		"the log":      {s.Log.String(), `msg="Starting studysharper ` + version + `"`},
		"/metrics":     {exposed, `studysharper_build_info{version="` + version + `"`},
		"the image":    {testkit.ReadFile(t, "Dockerfile"), "ARG VERSION=" + version + "\n"},
		"the Makefile": {testkit.ReadFile(t, "Makefile"), "\nVERSION ?= " + version + "\n"},
		"compose":      {testkit.ReadFile(t, "docker-compose.yml"), "VERSION: ${VERSION:-" + version + "}\n"},
	} {
		if !strings.Contains(line[0], line[1]) {
			t.Errorf("%s does not say %q", place, line[1])
		}
	}
}

func TestHealthcheckAsksTheRunningService(t *testing.T) {
	s := servicetest.Start(t)
	cmd := servicetest.Program(t, nil, "healthcheck", "--url", s.URL+"/readyz")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAnUpstreamsFaultsReachTheClientAsOurs(t *testing.T) {
	var fault func(http.ResponseWriter, *http.Request)
	var mu sync.Mutex
	upstream := testkit.HTTPServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		f := fault
		mu.Unlock()
		f(w, r)
	})
	s := servicetest.Start(t, "LLM_API_KEY=canary-key", "LLM_BASE_URL="+upstream, "LLM_TIMEOUT=2")
	status := func(code int) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "canary-upstream", code) }
	}
	tests := []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request)
		want  int
	}{
		{"401", status(401), 502},
		{"429", status(429), 503},
		{"500", status(500), 503},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "canary-upstream") }, 502},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 504},
	}
	for _, tt := range tests {
		mu.Lock()
		fault = tt.fault
		mu.Unlock()
		code, got := s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "canary-prompt", nil))
		if code != tt.want || got["error"] == nil {
			t.Errorf("%s: %d, %v; want %d", tt.name, code, got, tt.want)
		}
		if strings.Contains(fmt.Sprint(got), "canary") {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if strings.Contains(s.Log.String(), "canary") {
		t.Errorf("a key, prompt or upstream's text is in the log:\n%s", s.Log)
	}
}
