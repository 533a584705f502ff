package cgroup2

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"studysharper/app/testkit"
)

const (
	limit = 512 * mib // of the container as deployed

	// bound is the most memory that the container may have at any time: seven eighths of its limit.
	bound = limit / 8 * 7

	token = "0123456789abcdef"
)

// service is the program in a control group.
type service struct {
	t   *testing.T
	g   *group
	cmd *exec.Cmd
	log *logged
	url string
}

// logged is a process's output, safe for several goroutines.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// program returns the path of the service's binary, which make cgroup2 has built.
func program(t *testing.T) string {
	t.Helper()
	path := os.Getenv("STUDYSHARPER")
	if path == "" {
		t.Fatal("STUDYSHARPER does not name the service's binary")
	}
	return path
}

func (g *group) serve(t *testing.T) *service {
	t.Helper()
	s := &service{t: t, g: g, log: &logged{}, cmd: g.command(program(t), "serve")}
	s.cmd.Dir, s.cmd.Stderr = t.TempDir(), s.log
	s.cmd.Env = []string{"HOST=127.0.0.1", "PORT=0", "ADMIN_TOKEN=" + token, "RATE_LIMIT_PER_MINUTE=0", "RATE_LIMIT_PER_HOUR=0",
		"MAX_CONCURRENT_RUNS_PER_CLIENT=64", "SSE_MAX_STREAMS_PER_CLIENT=10000"}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("the service ends with %v:\n%s", err, s.log)
		}
	})
	testkit.Eventually(t, "both workers are ready", func() bool { return strings.Count(s.log.String(), "Worker ready") == 2 })
	_, rest, _ := strings.Cut(s.log.String(), "Listening at: ")
	s.url, _, _ = strings.Cut(rest, " ")
	return s
}

// ask sends a request and returns the status and the body.
func (s *service) ask(method, path, body string) (int, []byte) {
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return 0, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Admin-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
		return 0, nil
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Error(err)
	}
	return res.StatusCode, got
}

// memory returns the service's own figures for its container.
func (s *service) memory() (m struct {
	Container int64 `json:"container_bytes"`
	Limit     int64 `json:"limit_bytes"`
	OOMKills  int64 `json:"oom_kills"`
}) {
	var all struct{ Memory json.RawMessage }
	_, body := s.ask("GET", "/api/admin/metrics?hours=0", "")
	if err := json.Unmarshal(body, &all); err != nil {
		s.t.Fatalf("%v: %s", err, body)
	}
	if err := json.Unmarshal(all.Memory, &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// note returns the text from which the offline engine makes aids; it differs for each n.
func note(n int) string {
	return strings.Repeat(fmt.Sprintf("Photosynthesis %d turns light into chemical energy. Chlorophyll absorbs red and blue light. The Calvin cycle fixes carbon dioxide in the stroma. ", n), 40)
}

// load sends requests from several clients concurrently, and counts the answers other than 200.
func (s *service) load(requests, clients int) (failed int64) {
	var next, bad atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for n := next.Add(1); n <= int64(requests); n = next.Add(1) {
				body, err := json.Marshal(map[string]any{"type": "flashcard_generation", "user_id": "student", "message": "", "options": map[string]any{"content": note(int(n))}})
				if err != nil {
					s.t.Error(err)
				}
				if status, got := s.ask("POST", "/api/ai/process", string(body)); status != http.StatusOK {
					s.t.Logf("%d %.200s", status, got)
					bad.Add(1)
				}
			}
		})
	}
	all.Wait()
	return bad.Load()
}

// streams opens event streams and returns when the service counts them; they are closed at the end of the test.
func (s *service) streams(n int) {
	for range n {
		res, err := http.Get(fmt.Sprintf("%s/api/ai/stream/%s", s.url, uuid.NewString()))
		if err != nil || res.StatusCode != http.StatusOK {
			s.t.Fatalf("a stream: %v", err)
		}
		s.t.Cleanup(func() { _ = res.Body.Close() })
	}
}

func TestTheServiceReadsItsGroupAndStaysWithinItsBudget(t *testing.T) {
	g := newGroup(t, limit)
	s := g.serve(t)
	report := func(what string) {
		t.Helper()
		said, read := s.memory(), g.read(t)
		t.Logf("cgroup v%d, %s: %v; the service says %.1f MB", g.version, what, read, float64(said.Container)/1e6)
		if said.Limit != limit || said.OOMKills != read.OomKills {
			t.Errorf("%s: the service says %+v, the group %v", what, said, read)
		}
		if apart := said.Container - read.Held(); apart < -8*mib || apart > 8*mib { // some change between the two readings
			t.Errorf("%s: the service says %d, the group holds %d", what, said.Container, read.Held())
		}
		if read.Held() > bound || read.OomKills > 0 {
			t.Errorf("%s: %v, at most %d", what, read, int64(bound))
		}
	}
	report("idle")
	s.streams(testkit.Size(200, 2000))
	report("with open streams")
	if failed := s.load(testkit.Size(200, 2000), 16); failed > 0 {
		t.Errorf("%d requests failed", failed)
	}
	report("after requests")
}

func TestMoreWorkersThanTheGroupHoldsAreRefused(t *testing.T) {
	g := newGroup(t, limit)
	cmd := g.command(program(t), "check-config")
	cmd.Env = []string{"WEB_CONCURRENCY=32"}
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "WEB_CONCURRENCY") {
		t.Errorf("%v: %s", err, said)
	}
	cmd = g.command(program(t), "check-config")
	cmd.Dir = t.TempDir()
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("two workers: %v: %s", err, said)
	}
}

func TestAKillForMemoryIsCounted(t *testing.T) {
	g := newGroup(t, 64*mib)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := g.command(own)
	cmd.Env = []string{eatVar + "=256"}
	if err := cmd.Run(); err == nil {
		t.Fatal("a process takes four times the limit")
	}
	read := g.read(t)
	if read.OomKills == 0 || read.Peak < 48*mib {
		t.Errorf("after a kill: %v", read)
	}
}
