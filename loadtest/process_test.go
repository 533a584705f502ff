package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/loadtest/command"
	"studysharper/loadtest/report"
)

// build returns the path of this command.
func build(t *testing.T) string {
	t.Helper()
	testkit.SkipShort(t, "runs the program")
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// builtIn is the folder of the program that the tests build; TestMain removes it.
var builtIn string

// built is the program, built once for all tests.
var built = sync.OnceValues(func() (path string, err error) {
	if builtIn, err = os.MkdirTemp("", "loadtest"); err != nil {
		return "", err
	}
	path = filepath.Join(builtIn, "loadtest")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return path, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// readReport reads what -json wrote.
func readReport(file string) (*report.Report, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &report.Report{}
	return r, json.Unmarshal(text, r)
}

func TestCtrlCEndsARunEarlyWithItsFullReport(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	var asked atomic.Int64
	stuck := make(chan struct{})
	_, url := serve(t, func(w http.ResponseWriter, n int) {
		if asked.Add(1) == 21 {
			close(stuck)
		}
		if asked.Load() > 20 {
			<-hang
		}
		succeed(w, n)
	})
	jsonFile := filepath.Join(t.TempDir(), "a.json")
	cmd := exec.Command(build(t), "-d", "1h", "-c", "1", "-json", jsonFile, url)
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-stuck: // with a request in flight that is never answered
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, out)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		_ = cmd.Process.Kill()
		t.Fatal("it did not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != command.Failed || !strings.Contains(out.String(), "Total requests: 20\nSuccessful: 20 (100.0%)") ||
		!strings.Contains(out.String(), "Load test FAILED (interrupted after 20 requests)") {
		t.Errorf("status %d:\n%s", code, out)
	}
	r, err := readReport(jsonFile)
	if err != nil || !r.Interrupted || r.OK != 20 || len(r.Seconds) == 0 {
		t.Errorf("%v, %+v", err, r)
	}
}

// admin is a service with metrics for one token, and sessions for another.
func admin(t *testing.T) string {
	t.Helper()
	s := &service{health: `{"status":"healthy"}`, answer: succeed}
	var readings atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/admin/metrics":
			if r.Header.Get("X-Admin-Token") != "right" {
				w.WriteHeader(http.StatusForbidden)
			}
			n := readings.Add(1)
			fmt.Fprintf(w, `{"memory":{"container_bytes":%d,"limit_bytes":512000000},"workers":[{}],"recycles":{"max_requests":%d}}`, 100_000_000+n, n)
		case "/api/ai/sessions":
			if r.Header.Get("Authorization") != "Bearer right" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		default:
			s.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(web.Close)
	return web.URL
}

func TestTheServersMemoryStandsBesideTheLatency(t *testing.T) {
	url := admin(t)
	file := filepath.Join(t.TempDir(), "a.json")
	status, out, errs := invoke("-seed-targets", "-admin-token", "right", "-json", file, url)
	if status != command.Passed || !strings.Contains(out, "Memory: peak 100.0 MB of 512.0 MB\nWorkers recycled: 1 (1 max_requests)") ||
		!strings.Contains(out, "memory: 100.0 MB, at most 150.0 MB: passed") {
		t.Errorf("status %d:\n%s%s", status, out, errs)
	}
	if status, out, _ := invoke("-max-memory", "100MB", "-admin-token", "right", url); status != command.Failed || !strings.Contains(out, "MISSED") {
		t.Errorf("status %d:\n%s", status, out)
	}
	if r, err := readReport(file); err != nil || r.Server == nil || r.Server.PeakBytes/1e6 != 100 {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestAWrongTokenIsWrongUsage(t *testing.T) {
	url := admin(t)
	for _, args := range [][]string{{"-admin-token", "s3cret"}, {"-token", "s3cret"}} {
		status, out, errs := invoke(append(args, url)...)
		if status != command.Usage || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "refuses") || strings.Contains(out+errs, "s3cret") || strings.Contains(out, "Starting") {
			t.Errorf("%q: status %d, errors %q", args, status, errs)
		}
	}
	if status, out, errs := invoke("-token", "right", "-n", "3", url); status != command.Passed {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
}

func TestMetricsThatAreNoneAreANotHealthyTarget(t *testing.T) {
	_, url := serve(t, succeed) // answers 404 there
	if status, _, errs := invoke("-admin-token", "x", url); status != command.NoHealth || strings.Count(errs, "\n") != 1 {
		t.Errorf("status %d, errors %q", status, errs)
	}
}

func TestAnAnswerThatNeverEndsIsATimeout(t *testing.T) {
	ended := make(chan struct{})
	defer close(ended)
	_, url := serve(t, func(w http.ResponseWriter, _ int) {
		for {
			if _, err := w.Write([]byte("        ")); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	if status, out, _ := invoke("-n", "2", "-timeout", "200ms", url); status != command.Failed || !strings.Contains(out, "2 x timeout") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

func TestAnOpenLoadIsMadeThroughTheCommand(t *testing.T) {
	_, url := serve(t, succeed)
	file := filepath.Join(t.TempDir(), "a.json")
	status, out, errs := invoke("-rate", "200", "-d", "500ms", "-json", file, url)
	r, err := readReport(file)
	if err != nil || status != command.Passed || r.OK != 100 || r.Model != "open, 200 requests a second, at most 1000 at once" {
		t.Errorf("status %d, %v, %+v:\n%s%s", status, err, r, out, errs)
	}
}

func TestTimedRunsWriteALineEveryFewSeconds(t *testing.T) {
	_, url := serve(t, succeed)
	cmd := exec.Command(build(t), "-d", "5500ms", "-think", "50ms", "-json", url)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := &strings.Builder{}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := false
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		seen = seen || strings.HasPrefix(lines.Text(), "  5 s: ") && strings.Contains(lines.Text(), " 0 failed, p99 ")
	}
	var r report.Report
	if err := cmd.Wait(); err != nil || !seen || json.Unmarshal([]byte(out.String()), &r) != nil || len(r.Seconds) < 5 {
		t.Errorf("%v, a line %v, %.300s", err, seen, out)
	}
}
