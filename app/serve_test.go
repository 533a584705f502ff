package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"studysharper/app/testkit"
)

// The test binary is the program when this variable says so: as supervisor it
// starts itself as its workers, like the real one.
const asProgram = "STUDYSHARPER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	testkit.SkipShort(t, "runs the program")
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}, env...)
	return cmd
}

// service is a running supervisor with its workers, two unless told otherwise.
type service struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	dir  string
	log  *logged
	done chan error
}

// logged is what a process has written so far.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

const adminToken = "0123456789abcdef"

func start(t *testing.T, env ...string) *service {
	t.Helper()
	return startChanged(t, func(*exec.Cmd) {}, env...)
}

// startChanged is start for a command that is changed before it runs.
func startChanged(t *testing.T, change func(*exec.Cmd), env ...string) *service {
	t.Helper()
	s := &service{t: t, log: &logged{}, done: make(chan error, 1)}
	s.cmd = program(t, append([]string{"HOST=127.0.0.1", "PORT=0", "ADMIN_TOKEN=" + adminToken,
		"RATE_LIMIT_PER_MINUTE=0", "RATE_LIMIT_PER_HOUR=0",
		"MAX_CONCURRENT_RUNS_PER_CLIENT=100000", "SSE_MAX_STREAMS_PER_CLIENT=1000000"}, env...), "serve") // all clients come from one address
	s.dir, s.cmd.Stderr = s.cmd.Dir, s.log
	change(s.cmd)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() { s.stop(); _ = s.cmd.Process.Kill() })
	workers := 2
	for _, setting := range env {
		_, _ = fmt.Sscanf(setting, "WEB_CONCURRENCY=%d", &workers)
	}
	s.eventually("all workers are ready", func() bool { return strings.Count(s.log.String(), "Worker ready") >= workers })
	_, rest, _ := strings.Cut(s.log.String(), "Listening at: ")
	s.url, _, _ = strings.Cut(rest, " ")
	return s
}

// stop ends the service by TERM and gives how it ended.
func (s *service) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-time.After(40 * time.Second):
		s.t.Errorf("the service does not stop:\n%s", s.log)
		return nil
	}
}

func (s *service) eventually(what string, condition func() bool) {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		if condition() {
			return
		}
	}
	s.t.Fatalf("never: %s\n%s", what, s.log)
}

// ask sends a request on a connection of its own, so that either worker may answer. The
// answer must be one that the OpenAPI document knows.
func (s *service) ask(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Admin-Token", adminToken)
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", method, path, err, s.log)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	s.documented(res, []byte(body), text)
	got := map[string]any{}
	_ = json.Unmarshal(text, &got)
	return res.StatusCode, got
}

// watch reads a stream to its end and gives its events.
func (s *service) watch(path string) []map[string]any {
	s.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	res, err := client.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var events []map[string]any
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e map[string]any
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				s.t.Fatalf("%s: %v", data, err)
			}
			events = append(events, e)
		}
	}
	return events
}

// workers gives the live workers, as the metrics page of one of them has it.
func (s *service) workers() []map[string]any {
	s.t.Helper()
	_, got := s.ask("GET", "/api/admin/metrics", "")
	var list []map[string]any
	for _, w := range got["workers"].([]any) {
		list = append(list, w.(map[string]any))
	}
	return list
}

// notes is real text to study; the test is skipped where it is not at hand.
func notes(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "notes-photosynthesis.txt"))
	if err != nil {
		t.Skipf("no study text: %v", err)
	}
	return string(text)
}

func request(kind, message string, options map[string]any) string {
	body, err := json.Marshal(map[string]any{"type": kind, "user_id": "student", "message": message, "options": options})
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestEveryTypeIsAnsweredWithoutAKey(t *testing.T) {
	text := notes(t)
	s := start(t)
	want := map[string]string{"chat": "response", "flashcard_generation": "flashcards", "quiz_generation": "quiz", "exam_generation": "exam",
		"summary_generation": "summary", "note_analysis": "analysis", "study_plan": "plan"}
	for kind, field := range want {
		status, got := s.ask("POST", "/api/ai/agent-test", request(kind, "What is a spectrophotometer?", map[string]any{"content": text}))
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
	text := notes(t)
	s := start(t)
	answered := map[string]bool{}
	for i := range 40 {
		status, got := s.ask("POST", "/api/ai/process-stream", request("flashcard_generation", fmt.Sprint("cards ", i), map[string]any{"content": text, "count": 3}))
		if status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		events := s.watch(got["stream_url"].(string))
		if len(events) != 8 || events[0]["type"] != "start" || events[7]["type"] != "complete" {
			t.Fatalf("got %v", events)
		}
		for n, e := range events {
			if e["seq"] != float64(n+1) {
				t.Errorf("event %d has seq %v", n+1, e["seq"])
			}
		}
	}
	for line := range strings.SplitSeq(s.log.String(), "\n") {
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
	s := start(t)
	for i := range 10 {
		s.ask("POST", "/api/ai/process", request("chat", fmt.Sprint("hello ", i), nil))
	}
	for range 20 {
		_, got := s.ask("GET", "/api/admin/metrics", "")
		runs := got["runs"].(map[string]any)
		if runs["completed"] != 10.0 || runs["active"] != 0.0 || len(got["workers"].([]any)) != 2 {
			t.Fatalf("got %v, %v", runs, got["workers"])
		}
	}
}

func TestAnIdenticalRequestIsAHitOnTheWorkerThatAnsweredIt(t *testing.T) {
	s := start(t, "WEB_CONCURRENCY=1")
	body := request("chat", "What is light?", map[string]any{"content": "Light is a kind of electromagnetic radiation that people can see."})
	for i, want := range []string{"", "HIT", "HIT"} {
		res, err := http.Post(s.url+"/api/ai/process", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if got := res.Header.Get("X-Cache"); got != want {
			t.Errorf("request %d: X-Cache %q, want %q", i+1, got, want)
		}
	}
	if status, _ := s.ask("DELETE", "/api/admin/cache", ""); status != 200 {
		t.Fatalf("clear: %d", status)
	}
	s.eventually("the cache is empty", func() bool {
		_, got := s.ask("GET", "/api/admin/metrics", "")
		return got["cache"].(map[string]any)["items"] == 0.0
	})
}

func TestAKilledWorkerIsReplacedAndNothingStoredIsLost(t *testing.T) {
	s := start(t)
	status, note := s.ask("POST", "/api/notes", `{"user_id":"student","title":"Light","content":"Chlorophyll absorbs blue light."}`)
	if status != 201 {
		t.Fatalf("%d %v", status, note)
	}
	victim := int(s.workers()[0]["pid"].(float64))
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.eventually("a successor is ready", func() bool { return strings.Count(s.log.String(), "Worker ready") == 3 })
	for range 20 {
		if status, got := s.ask("GET", "/api/notes/"+note["id"].(string), ""); status != 200 {
			t.Errorf("%d %v", status, got)
		}
	}
	_, got := s.ask("GET", "/api/admin/metrics", "")
	if crashes := got["recycles"].(map[string]any)["crash"]; crashes != 1.0 {
		t.Errorf("%v crashes counted", crashes)
	}
}

func httpServer(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handle, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

func TestTermStopsGracefullyWithWorkInFlight(t *testing.T) {
	asked := make(chan struct{}, 1)
	upstream := httpServer(t, func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		time.Sleep(500 * time.Millisecond)
		_, _ = io.WriteString(w, `{"model":"m","choices":[{"message":{"role":"assistant","content":"still here"},"finish_reason":"stop"}]}`)
	})
	s := start(t, "LLM_API_KEY=k", "LLM_BASE_URL="+upstream)
	answered := make(chan int, 1)
	go func() {
		status, _ := s.ask("POST", "/api/ai/process", request("chat", "hello", nil))
		answered <- status
	}()
	<-asked
	if err := s.stop(); err != nil {
		t.Errorf("exit: %v\n%s", err, s.log)
	}
	if status := <-answered; status != 200 {
		t.Errorf("the request in flight got %d\n%s", status, s.log)
	}
}

func TestTermAtAnyMomentOfTheBootStopsCleanly(t *testing.T) {
	for wait := time.Duration(0); wait < 60*time.Millisecond; wait += time.Duration(testkit.Size(9, 3)) * time.Millisecond {
		log := &logged{}
		cmd := program(t, []string{"HOST=127.0.0.1", "PORT=0", "GRACEFUL_TIMEOUT=60"}, "serve")
		cmd.Stderr = log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for !strings.Contains(log.String(), "Listening at: ") { // before that TERM just ends it
			time.Sleep(time.Millisecond)
		}
		time.Sleep(wait)
		began := time.Now()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || time.Since(began) > 30*time.Second { // half of GRACEFUL_TIMEOUT
			t.Errorf("TERM after %v: %v in %v\n%s", wait, err, time.Since(began), log)
		}
	}
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
		{"version", nil, []string{"version"}, 0, "studysharper " + version},
		{"check-config", []string{"ADMIN_TOKEN=canary-token-canary"}, []string{"check-config"}, 0, "ADMIN_TOKEN=[redacted]"},
		{"check-config with two faults", []string{"PORT=x", "WEB_CONCURRENCY=0"}, []string{"check-config"}, 2, "WEB_CONCURRENCY=\"0\": must be"},
		{"a worker by hand", nil, []string{"worker"}, 2, "studysharper: 'worker' is internal; run `studysharper serve`\n"},
		{"an unknown command", nil, []string{"dance"}, 2, "dance"},
		{"an unknown flag", nil, []string{"serve", "--fast"}, 2, "--fast"},
		{"a flag's bad value", nil, []string{"serve", "--workers", "zero"}, 2, "--workers=\"zero\""},
		{"an invalid bind", nil, []string{"serve", "--bind", "8000"}, 2, "--bind"},
		{"a port in use", []string{"HOST=127.0.0.1", "PORT=" + port}, nil, 3, fmt.Sprintf("another process (pid %d) listens", os.Getpid())},
		{"a jitter without max-requests", []string{"HOST=127.0.0.1", "PORT=" + port, "MAX_REQUESTS=0", "MAX_REQUESTS_JITTER=5"}, nil, 3, "MAX_REQUESTS_JITTER has no effect"},
		{"production without users", []string{"ENVIRONMENT=production", "ADMIN_TOKEN=" + adminToken, "HOST=127.0.0.1", "PORT=" + port}, nil, 3, "there is no user authentication"},
		{"two ways to prove who one is", []string{"JWT_SECRET=canary", "JWT_JWKS_URL=https://u:canary@issuer.example"}, nil, 2, "JWT_JWKS_URL"},
		{"a worker's memory below an idle worker's", []string{"MAX_WORKER_MEMORY_MB=1"}, nil, 2, "MAX_WORKER_MEMORY_MB"},
		{"a worker's memory above the container's", []string{"MAX_WORKER_MEMORY_MB=1048576"}, nil, 2, "MAX_WORKER_MEMORY_MB"},
		{"no worker at all", []string{"WEB_CONCURRENCY=0"}, nil, 2, "WEB_CONCURRENCY"},
		{"more workers than there may be", []string{"WEB_CONCURRENCY=1000000"}, nil, 2, "from 1 to 32"},
		{"an unwritable database", []string{"PORT=0", "DATABASE_URL=sqlite:/proc/nowhere/x.db"}, nil, 3, "database"},
		{"healthcheck of nothing", nil, []string{"healthcheck", "--url", "http://127.0.0.1:1/readyz"}, 1, "not ready"},
		{"unsafe production", []string{"ENVIRONMENT=production"}, nil, 2, "ADMIN_TOKEN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := program(t, tt.env, tt.args...)
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

// TestEveryPlaceNamesTheSameVersion the build's defaults included.
func TestEveryPlaceNamesTheSameVersion(t *testing.T) {
	s := start(t)
	_, root := s.ask("GET", "/", "")
	_, health := s.ask("GET", "/health", "")
	_, document := s.ask("GET", "/openapi.json", "")
	_, exposed := s.scrape()
	told, err := program(t, nil, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	for place, said := range map[string]string{"/": root["version"].(string), "/health": health["version"].(string), "/openapi.json": document["info"].(map[string]any)["version"].(string)} {
		if said != version {
			t.Errorf("%s says %q, want %q", place, said, version)
		}
	}
	for place, line := range map[string][2]string{
		"the log":      {s.log.String(), `msg="Starting studysharper ` + version + `"`},
		"/metrics":     {exposed, `studysharper_build_info{version="` + version + `"`},
		"the command":  {string(told), "studysharper " + version + " (commit "},
		"the image":    {read(t, "Dockerfile"), "ARG VERSION=" + version + "\n"},
		"the Makefile": {read(t, "Makefile"), "\nVERSION ?= " + version + "\n"},
		"compose":      {read(t, "docker-compose.yml"), "VERSION: ${VERSION:-" + version + "}\n"},
	} {
		if !strings.Contains(line[0], line[1]) {
			t.Errorf("%s does not say %q", place, line[1])
		}
	}
}

func TestHealthcheckAsksTheRunningService(t *testing.T) {
	s := start(t)
	cmd := program(t, nil, "healthcheck", "--url", s.url+"/readyz")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAnUpstreamsFaultsReachTheClientAsOurs(t *testing.T) {
	var fault func(http.ResponseWriter, *http.Request)
	var mu sync.Mutex
	upstream := httpServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		f := fault
		mu.Unlock()
		f(w, r)
	})
	s := start(t, "LLM_API_KEY=canary-key", "LLM_BASE_URL="+upstream, "LLM_TIMEOUT=2")
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
		code, got := s.ask("POST", "/api/ai/process", request("chat", "canary-prompt", nil))
		if code != tt.want || got["error"] == nil {
			t.Errorf("%s: %d, %v; want %d", tt.name, code, got, tt.want)
		}
		if strings.Contains(fmt.Sprint(got), "canary") {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if strings.Contains(s.log.String(), "canary") {
		t.Errorf("a key, prompt or upstream's text is in the log:\n%s", s.log)
	}
}
