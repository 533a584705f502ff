package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/loadtest/client"
	"studysharper/loadtest/command"
	"studysharper/loadtest/report"
)

// service is a fake StudySharper that answers each request with a function of its number.
type service struct {
	health string
	answer func(w http.ResponseWriter, n int)

	mu     sync.Mutex
	bodies []map[string]any
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/health" {
		fmt.Fprint(w, s.health)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/api/ai/agent-test" {
		http.NotFound(w, r)
		return
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.bodies = append(s.bodies, body)
	n := len(s.bodies)
	s.mu.Unlock()
	s.answer(w, n)
}

// serve starts a healthy service.
func serve(t *testing.T, answer func(w http.ResponseWriter, n int)) (*service, string) {
	t.Helper()
	s := &service{health: `{"status":"healthy"}`, answer: answer}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, web.URL
}

func succeed(w http.ResponseWriter, _ int) { fmt.Fprint(w, `{"status":"success","result":{}}`) }

// invoke runs the command.
func invoke(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestSeedsLoadTestPasses(t *testing.T) {
	s, url := serve(t, succeed)
	status, out, errs := invoke(url)
	if status != command.Passed || errs != "" {
		t.Errorf("status %d, errors %q", status, errs)
	}
	for _, line := range []string{
		"=== Load Test ===\nTarget: " + url + "\nTotal requests: 50\nConcurrent: 10\n" + rule + "\n",
		"\nServer healthy: healthy\n", "\nStarting load test...\n",
		"\nProgress: 10/50 requests (10 successful)\n", "\nProgress: 50/50 requests (50 successful)\n",
		rule + "\n=== Results ===\n" + rule + "\nTotal requests: 50\nSuccessful: 50 (100.0%)\nFailed: 0\nDuration: ",
		"\nRequests/second: ", "\nLatency: p50 ", "\nMemory: not measured", "\nLoad test PASSED (>90% success rate)\n",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("output lacks %q:\n%s", line, out)
		}
	}
	seen := map[any]bool{}
	for _, body := range s.bodies {
		seen[body["message"]] = true
		if body["type"] != "chat" || body["user_id"] != "load-test-user" {
			t.Errorf("request is %v", body)
		}
	}
	if len(seen) != 50 || !seen["Test message 1"] || !seen["Test message 50"] {
		t.Errorf("%d different messages", len(seen))
	}
}

func TestOnlyAnAnswerThatSaysSuccessCounts(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter, n int)
		kind   string
	}{
		"error status":      {func(w http.ResponseWriter, _ int) { w.WriteHeader(503); succeed(w, 0) }, "status 503"},
		"redirect":          {func(w http.ResponseWriter, _ int) { w.Header().Set("Location", "/health"); w.WriteHeader(302) }, "status 302"},
		"error in a 200":    {func(w http.ResponseWriter, _ int) { fmt.Fprint(w, `{"status":"error"}`) }, "status 200 without success"},
		"no status":         {func(w http.ResponseWriter, _ int) { fmt.Fprint(w, `{}`) }, "status 200 without success"},
		"no JSON":           {func(w http.ResponseWriter, _ int) { fmt.Fprint(w, `<html>`) }, "answer is not JSON"},
		"cut":               {func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }, "reset in flight"},
		"one byte too long": {func(w http.ResponseWriter, _ int) { pad(w, client.MaxBody+1) }, "answer too long"},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := serve(t, test.answer)
			status, out, _ := invoke("-n", "2", "-c", "1", url)
			if status != command.Failed || !strings.Contains(out, "Failed: 2\n  2 x "+test.kind+"\n") ||
				!strings.Contains(out, "\nLoad test FAILED") {
				t.Errorf("status %d:\n%s", status, out)
			}
		})
	}
	_, url := serve(t, func(w http.ResponseWriter, _ int) { pad(w, client.MaxBody) })
	if status, out, _ := invoke("-n", "1", url); status != command.Passed {
		t.Errorf("an answer of the longest length allowed: status %d\n%s", status, out)
	}
}

// pad succeeds with an answer of n bytes.
func pad(w io.Writer, n int) {
	const answer = `{"status":"success"}`
	fmt.Fprint(w, answer, strings.Repeat(" ", n-len(answer)))
}

func TestPassNeedsMoreThanNineTenths(t *testing.T) {
	for failures, want := range map[int]int{4: command.Passed, 5: command.Failed} {
		_, url := serve(t, func(w http.ResponseWriter, n int) {
			if n <= failures {
				w.WriteHeader(500)
			}
			succeed(w, n)
		})
		if status, out, _ := invoke(url); status != want {
			t.Errorf("%d of 50 failed: status %d\n%s", failures, status, out)
		}
	}
}

func TestSlowAnswerIsATimeout(t *testing.T) {
	release := make(chan struct{})
	_, url := serve(t, func(http.ResponseWriter, int) { <-release })
	defer close(release)
	status, out, _ := invoke("-n", "1", "-timeout", "200ms", url)
	if status != command.Failed || !strings.Contains(out, "1 x timeout\n") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

func TestJSONSummaryIsAloneOnStandardOutput(t *testing.T) {
	_, url := serve(t, func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.WriteHeader(503)
		}
		succeed(w, n)
	})
	status, out, errs := invoke(url, "-json", "-n", "20")
	var s report.Report
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if status != command.Passed || s.Total != 20 || s.OK != 19 || s.Failed != 1 || s.Failures["status 503"] != 1 {
		t.Errorf("status %d, summary %+v", status, s)
	}
	if s.DurationMS <= 0 || s.RPS <= 0 || s.P50MS <= 0 || s.P95MS < s.P50MS || s.P99MS < s.P95MS {
		t.Errorf("summary %+v", s)
	}
	if !strings.Contains(errs, "Load test PASSED") {
		t.Errorf("standard error is %q", errs)
	}
}

func TestTypeAndContentAreSent(t *testing.T) {
	s, url := serve(t, succeed)
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte("Plants eat light."), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, errs := invoke("-n", "1", "-type", string(study.Quiz), "-content", file, url); status != command.Passed {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	options, _ := s.bodies[0]["options"].(map[string]any)
	if s.bodies[0]["type"] != "quiz_generation" || options["content"] != "Plants eat light." {
		t.Errorf("request is %v", s.bodies[0])
	}
}

func TestNoMoreThanCAtOnce(t *testing.T) {
	var now, most atomic.Int64
	second := make(chan struct{})
	_, url := serve(t, func(w http.ResponseWriter, n int) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		testkit.Pause(2 * time.Millisecond) // so that more than four concurrent requests would be noticed
		switch n {
		case 1:
			<-second // so that two overlap on any machine
		case 2:
			close(second)
		}
		succeed(w, n)
	})
	if status, out, _ := invoke("-n", "60", "-c", "4", url); status != command.Passed {
		t.Errorf("status %d: %s", status, out)
	}
	if n := most.Load(); n < 2 || n > 4 {
		t.Errorf("%d requests at once, want up to 4", n)
	}
}

func TestTargetThatIsNotHealthyIsThree(t *testing.T) {
	speaksNoHTTP, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer speaksNoHTTP.Close()
	go func() {
		for {
			conn, err := speaksNoHTTP.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "-ERR what?\r\n")
			_ = conn.Close()
		}
	}()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	targets := map[string]string{"no HTTP": "http://" + speaksNoHTTP.Addr().String(), "nobody": gone.URL, "another server": elsewhere.URL}
	for _, health := range []string{`{"status":"degraded"}`, `{}`, `healthy`, ``} {
		s, url := serve(t, succeed)
		s.health = health
		targets["health "+health] = url
	}
	for name, target := range targets {
		status, out, errs := invoke(target)
		if status != command.NoHealth || strings.Count(errs, "\n") != 1 || strings.Contains(out, "Starting") {
			t.Errorf("%s: status %d, errors %q", name, status, errs)
		}
	}
}

func TestInterruptedRunSaysHowFarItCame(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	_, url := serve(t, func(w http.ResponseWriter, n int) {
		if n == 3 {
			cancel()
			<-release
		}
		succeed(w, n)
	})
	defer close(release)
	s, err := parseSettings(ctx, []string{"-c", "1", url}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := test(ctx, s, &out, io.Discard); !errors.Is(err, command.ErrMissed) || !strings.Contains(out.String(), "interrupted after 2 requests") {
		t.Errorf("%v:\n%s", err, &out)
	}
}
