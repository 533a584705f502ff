package main

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
	"studysharper/app/metrics"
)

func TestFilesLeaveEveryProcessItsOwnDescriptors(t *testing.T) {
	for _, limit := range []int{256, 300, 512, 1024, 4096, 65536, 1 << 20} {
		for _, workers := range []int{1, 2, 32} {
			for _, runs := range []int{1, 64, 100_000} {
				for _, redis := range []string{"", "redis://redis"} {
					c := config.Config{Workers: workers, MaxRuns: runs, SSEMaxStreams: 10_000, RedisURL: redis, LLMProvider: "openai"}
					f, err := config.SplitFiles(limit, c)
					if err != nil {
						t.Fatal(err)
					}
					upstream := min(runs, limit/4)
					if own := limit - f.Conns - f.Spare - upstream; own < config.WorkerFiles || f.Spare < 1 || f.Conns < 1 {
						t.Errorf("%d files, %+v: %+v leaves a worker %d", limit, c, f, own)
					}
					if f.Streams < 1 || f.Streams >= f.Conns {
						t.Errorf("%d files: %d streams of %d connections: none is left for requests", limit, f.Streams, f.Conns)
					}
					sockets := config.WorkerSockets * min(metrics.MaxWorkers, 2*(2*workers-1))
					if f.Held < f.Conns || f.Held > limit-sockets-config.SupervisorFiles {
						t.Errorf("%d files, %d workers: the supervisor holds up to %d connections, and a worker has %d", limit, workers, f.Held, f.Conns)
					}
				}
			}
		}
	}
	_, err := config.SplitFiles(255, config.Config{Workers: 2})
	if faults, ok := errors.AsType[config.Faults](err); !ok || len(faults) != 1 || faults[0].Setting != "RLIMIT_NOFILE" || faults[0].Value != "255" {
		t.Errorf("255 files: %v", err)
	}
}

// underLimit has a shell lower the limits of open files before it becomes the program.
func underLimit(cmd *exec.Cmd, soft, hard int) {
	script := fmt.Sprintf("ulimit -Sn %d && ulimit -Hn %d && exec %q \"$@\"", soft, hard, cmd.Path)
	cmd.Args = append([]string{"sh", "-c", script, "sh"}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// openFilesOf is the soft and the hard limit of a process.
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
	pids := []int{s.cmd.Process.Pid}
	for _, w := range s.workers() {
		pids = append(pids, int(w["pid"].(float64)))
	}
	for _, pid := range pids {
		if soft, hard := openFilesOf(t, pid); soft != 700 || hard != 700 {
			t.Errorf("process %d of %v: %d of %d", pid, pids, soft, hard)
		}
	}
	if log := s.log.String(); !strings.Contains(log, `level=WARN msg="SSE_MAX_STREAMS=10000: the limit of 700 open files leaves room for `) {
		t.Errorf("the log does not warn of the limit: %s", log)
	}
}

// startUnder is start with limits of open files.
func startUnder(t *testing.T, soft, hard int, env ...string) *service {
	t.Helper()
	return startChanged(t, func(cmd *exec.Cmd) { underLimit(cmd, soft, hard) }, env...)
}

func TestTooFewOpenFilesAreRefusedByServeCheckConfigAndDoctor(t *testing.T) {
	for _, command := range []string{"serve", "check-config", "doctor"} {
		cmd := program(t, []string{"HOST=127.0.0.1", "PORT=0"}, command)
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

// reader is a client of a stream by a raw socket.
type reader struct {
	net.Conn
	r      *bufio.Reader
	status int
	retry  string
}

// openStreams asks for so many streams, each on a session and a connection of its own, all at once. Each gets a status.
func (s *service) openStreams(n int) (all []*reader) {
	s.t.Helper()
	for range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			s.t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "GET /api/ai/stream/%s HTTP/1.1\r\nHost: x\r\n\r\n", uuid.NewString()); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, &reader{Conn: conn, r: bufio.NewReader(conn)})
	}
	for i, r := range all {
		res, err := http.ReadResponse(r.r, nil)
		if err != nil {
			s.t.Fatalf("stream %d of %d is closed without a status line: %v\n%s", i+1, n, err, s.log)
		}
		r.status, r.retry = res.StatusCode, res.Header.Get("Retry-After")
	}
	return all
}

// cut reports how many of the streams are closed.
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
	all := s.openStreams(asked)
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
	s.wantUnhurt()
	before := s.pids()
	if status, _ := s.ask("POST", "/api/admin/reload", ""); status != http.StatusAccepted {
		t.Fatalf("the reload: %d", status)
	}
	s.eventually("all workers are new", func() bool {
		now := s.pids()
		for pid := range now {
			if before[pid] {
				return false
			}
		}
		return len(now) == 2
	})
	if n := cut(open); n > 0 {
		t.Errorf("the reload has cut %d of %d streams\n%s", n, len(open), s.log)
	}
	s.eventually("all streams are counted", func() bool { return int(s.streams()) == len(open) })
	s.wantUnhurt()
}

// wantUnhurt wants what is not a stream to be served, and the figures to be there.
func (s *service) wantUnhurt() {
	s.t.Helper()
	for i := range 20 {
		if status, got := s.ask("POST", "/api/notes", fmt.Sprintf(`{"user_id":"u","title":"note %d","content":"c"}`, i)); status != http.StatusCreated {
			s.t.Fatalf("note %d: %d %v", i, status, got)
		}
	}
	if status, got := s.ask("GET", "/readyz", ""); status != http.StatusOK {
		s.t.Errorf("/readyz: %d %v", status, got)
	}
	_, got := s.ask("GET", "/api/admin/metrics", "")
	for _, w := range got["workers"].([]any) {
		if w := w.(map[string]any); w["rss_bytes"].(float64) == 0 || w["anon_bytes"].(float64) == 0 {
			s.t.Errorf("a worker's memory: %v", w)
		}
	}
}
