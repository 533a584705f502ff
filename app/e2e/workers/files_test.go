package workers_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/config"
	"studysharper/app/e2e/servicetest"
)

// underLimit makes a shell lower the limits of open files before it executes the program.
func underLimit(cmd *exec.Cmd, soft, hard int) {
	script := fmt.Sprintf("ulimit -Sn %d && ulimit -Hn %d && exec %q \"$@\"", soft, hard, cmd.Path)
	cmd.Args = append([]string{"sh", "-c", script, "sh"}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// openFilesOf returns the soft and the hard limit of a process.
func openFilesOf(t *testing.T, pid int) (soft, hard int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(string(text), "Max open files")
	if _, err := fmt.Sscan(row, &soft, &hard); err != nil {
		t.Fatal(err)
	}
	return soft, hard
}

func TestEveryProcessRaisesItsSoftLimitOfOpenFiles(t *testing.T) {
	s := startUnder(t, 128, 700)
	pids := []int{s.Cmd.Process.Pid}
	for _, w := range s.Workers() {
		pids = append(pids, int(w["pid"].(float64)))
	}
	for _, pid := range pids {
		if soft, hard := openFilesOf(t, pid); soft != 700 || hard != 700 {
			t.Errorf("process %d of %v: %d of %d", pid, pids, soft, hard)
		}
	}
	if log := s.Log.String(); !strings.Contains(log, `level=WARN msg="SSE_MAX_STREAMS=10000: the limit of 700 open files leaves room for `) {
		t.Errorf("the log does not warn of the limit: %s", log)
	}
}

// startUnder is Start with limits of open files.
func startUnder(t *testing.T, soft, hard int, env ...string) *servicetest.Service {
	t.Helper()
	return servicetest.StartChanged(t, func(cmd *exec.Cmd) { underLimit(cmd, soft, hard) }, env...)
}

func TestTooFewOpenFilesAreRefusedByServeCheckConfigAndDoctor(t *testing.T) {
	for _, command := range []string{"serve", "check-config", "doctor"} {
		cmd := servicetest.Program(t, []string{"HOST=127.0.0.1", "PORT=0"}, command)
		underLimit(cmd, 100, 100)
		out, _ := cmd.CombinedOutput()
		want := 2
		if command == "doctor" {
			want = 1
		}
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want || !strings.Contains(string(out), "at least 256 open files") {
			t.Errorf("%s: %v\n%s", command, cmd.ProcessState, out)
		}
	}
}

// reader is a client of a stream on a raw socket.
type reader struct {
	net.Conn
	r      *bufio.Reader
	status int
	retry  string
}

// openStreams requests n streams concurrently, each with its own session and connection, and waits for each one's
// status.
func openStreams(s *servicetest.Service, n int) (all []*reader) {
	s.T.Helper()
	for range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			s.T.Fatal(err)
		}
		s.T.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			s.T.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "GET /api/ai/stream/%s HTTP/1.1\r\nHost: x\r\n\r\n", uuid.NewString()); err != nil {
			s.T.Fatal(err)
		}
		all = append(all, &reader{Conn: conn, r: bufio.NewReader(conn)})
	}
	for i, r := range all {
		res, err := http.ReadResponse(r.r, nil)
		if err != nil {
			s.T.Fatalf("stream %d of %d is closed without a status line: %v\n%s", i+1, n, err, s.Log)
		}
		r.status, r.retry = res.StatusCode, res.Header.Get("Retry-After")
	}
	return all
}

// cut returns how many of the streams are closed.
func cut(all []*reader) (n int) {
	for _, r := range all {
		_ = r.SetReadDeadline(time.Now().Add(time.Millisecond))
		for {
			if _, err := r.r.ReadByte(); err != nil {
				if nerr, ok := errors.AsType[net.Error](err); !ok || !nerr.Timeout() {
					n++
				}
				break
			}
		}
	}
	return n
}

func TestMoreStreamsThanDescriptorsAreRefusedAndNothingElseFails(t *testing.T) {
	const nofile, asked = 256, 400
	s := startUnder(t, nofile, nofile, "SSE_MAX_STREAMS_PER_CLIENT=10000", "MAX_REQUESTS=0")
	files, err := config.SplitFiles(nofile, config.Config{Workers: 2, SSEMaxStreams: 10_000, LLMProvider: "offline"})
	if err != nil {
		t.Fatal(err)
	}
	all := openStreams(s, asked)
	open := slices.DeleteFunc(slices.Clone(all), func(r *reader) bool { return r.status != http.StatusOK })
	for _, r := range all {
		if r.status != http.StatusOK && (r.status != http.StatusServiceUnavailable || r.retry == "") {
			t.Errorf("a stream gets %d, Retry-After %q", r.status, r.retry)
		}
	}
	t.Logf("%d of %d streams are open; there is room for %d", len(open), asked, 2*files.Streams)
	if len(open) > 2*files.Streams || len(open) < files.Streams {
		t.Errorf("%d streams are open, want at most %d", len(open), 2*files.Streams)
	}
	wantUnhurt(s)
	before := s.PIDs()
	if status, _ := s.Ask("POST", "/api/admin/reload", ""); status != http.StatusAccepted {
		t.Fatalf("the reload: %d", status)
	}
	s.Eventually("all workers are new", func() bool {
		now := s.PIDs()
		for pid := range now {
			if before[pid] {
				return false
			}
		}
		return len(now) == 2
	})
	if n := cut(open); n > 0 {
		t.Errorf("the reload has cut %d of %d streams\n%s", n, len(open), s.Log)
	}
	s.Eventually("all streams are counted", func() bool { return int(s.Streams()) == len(open) })
	wantUnhurt(s)
}

// wantUnhurt checks that requests other than streams are served, and that the metrics can be read.
func wantUnhurt(s *servicetest.Service) {
	s.T.Helper()
	for i := range 20 {
		if status, got := s.Ask("POST", "/api/notes", fmt.Sprintf(`{"user_id":"u","title":"note %d","content":"c"}`, i)); status != http.StatusCreated {
			s.T.Fatalf("note %d: %d %v", i, status, got)
		}
	}
	if status, got := s.Ask("GET", "/readyz", ""); status != http.StatusOK {
		s.T.Errorf("/readyz: %d %v", status, got)
	}
	_, got := s.Ask("GET", "/api/admin/metrics", "")
	for _, w := range got["workers"].([]any) {
		if w := w.(map[string]any); w["rss_bytes"].(float64) == 0 || w["anon_bytes"].(float64) == 0 {
			s.T.Errorf("a worker's memory: %v", w)
		}
	}
}
