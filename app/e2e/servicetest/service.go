package servicetest

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"studysharper/app/testkit"
)

// Service is a running supervisor with its workers: two, unless WEB_CONCURRENCY says otherwise.
type Service struct {
	T    *testing.T
	Cmd  *exec.Cmd
	URL  string // http://127.0.0.1:PORT
	Dir  string // the working directory, a separate folder
	Log  *Log   // its standard error so far
	done chan error
}

// Log collects what a process writes. It is safe for concurrent use.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// AdminToken is the ADMIN_TOKEN of the services that Start starts.
const AdminToken = "0123456789abcdef"

// Start starts a service on a free port and waits until all of its workers are ready. It is stopped when the test ends.
func Start(t *testing.T, env ...string) *Service {
	t.Helper()
	return StartChanged(t, func(*exec.Cmd) {}, env...)
}

// StartChanged is Start with a command that is changed before it runs.
func StartChanged(t *testing.T, change func(*exec.Cmd), env ...string) *Service {
	t.Helper()
	s := &Service{T: t, Log: &Log{}, done: make(chan error, 1)}
	s.Cmd = Program(t, append([]string{"HOST=127.0.0.1", "PORT=0", "ADMIN_TOKEN=" + AdminToken,
		"RATE_LIMIT_PER_MINUTE=0", "RATE_LIMIT_PER_HOUR=0", "RUN_LIMIT_PER_MINUTE=0", "RUN_LIMIT_PER_HOUR=0",
		"MAX_CONCURRENT_RUNS_PER_CLIENT=100000", "SSE_MAX_STREAMS_PER_CLIENT=1000000"}, env...), "serve") // all clients have the same address
	s.Dir, s.Cmd.Stderr = s.Cmd.Dir, s.Log
	change(s.Cmd)
	if err := s.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.Cmd.Wait() }()
	t.Cleanup(func() { _ = s.Stop(); _ = s.Cmd.Process.Kill() })
	workers := 2
	for _, setting := range env {
		_, _ = fmt.Sscanf(setting, "WEB_CONCURRENCY=%d", &workers)
	}
	s.Eventually("all workers are ready", func() bool { return strings.Count(s.Log.String(), "Worker ready") >= workers })
	_, rest, _ := strings.Cut(s.Log.String(), "Listening at: ")
	s.URL, _, _ = strings.Cut(rest, " ")
	return s
}

// Stop ends the service with SIGTERM, waits for at most 40 s, and returns the error of its exit.
func (s *Service) Stop() error {
	_ = s.Cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-time.After(40 * time.Second):
		s.T.Errorf("the service does not stop:\n%s", s.Log)
		return nil
	}
}

// Eventually is testkit.Eventually; a failure shows the service's log.
func (s *Service) Eventually(what string, condition func() bool) {
	s.T.Helper()
	if !testkit.Poll(condition) {
		s.T.Fatalf("never: %s\n%s", what, s.Log)
	}
}
