package recycle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"studysharper/loadtest/scenario/child"
)

const (
	bootWait     = 20 * time.Second // for all workers to be ready
	gracefulTime = 20               // GRACEFUL_TIMEOUT of the server, seconds
	keptLines    = 20               // warnings of the server that are kept
	adminToken   = "bench-recycle-admin-token"
	maxLogLine   = 64 << 10
	freezeWait   = time.Second // for a stopped worker to be fully stopped
)

// Options configure a Server.
type Options struct {
	Binary  string            // the program
	Dir     string            // for its files, until Stop
	Workers int               // WEB_CONCURRENCY
	Env     map[string]string // settings in addition to the base ones
}

// Ready is a worker that became ready, according to the server's log.
type Ready struct {
	PID, Slot int
	At        time.Time // when the line was read
}

// Server is a running StudySharper: the supervisor's process, its log, and what has been
// seen of it. Except for Stop, it is safe for concurrent use.
type Server struct {
	*child.Process
	address netip.AddrPort
	dir     string
	unwatch func() // ends the watch
	partial []byte // of the log's incomplete last line

	mu         sync.Mutex
	complaints []string      // the latest log lines of level WARN and above
	ready      []Ready       // all workers that became ready
	news       chan struct{} // closed and replaced when ready grows
	seen       Seen
}

// baseEnvironment returns the settings below Options.Env. They let no request be refused,
// and do not include this process's own environment.
func baseEnvironment(dir string, workers int) map[string]string {
	return map[string]string{
		"HOST": "127.0.0.1", "PORT": "0", "WEB_CONCURRENCY": strconv.Itoa(workers),
		"ADMIN_TOKEN": adminToken, "LOG_LEVEL": "warn", "LOG_FORMAT": "text", "ENVIRONMENT": "test",
		"DATABASE_URL": "sqlite:" + filepath.Join(dir, "bench.db"), "GRACEFUL_TIMEOUT": strconv.Itoa(gracefulTime),
		"RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0", "RUN_LIMIT_PER_MINUTE": "0", "RUN_LIMIT_PER_HOUR": "0", "QUOTA_ITEMS": "0", "LLM_PROVIDER": "offline",
		"MAX_CONCURRENT_RUNS_PER_CLIENT": "100000", "SSE_MAX_STREAMS_PER_CLIENT": "1000000", // all clients come from one address
		"PATH": os.Getenv("PATH"), "HOME": dir, "TMPDIR": dir,
	}
}

// startServer starts a server on a free port of 127.0.0.1, waits until all its workers are
// ready, and begins to watch it. Stop must be called.
func startServer(ctx context.Context, o Options) (*Server, error) {
	dir, err := os.MkdirTemp(o.Dir, "server-")
	if err != nil {
		return nil, err
	}
	env := baseEnvironment(dir, o.Workers)
	maps.Copy(env, o.Env)
	s := &Server{dir: dir, news: make(chan struct{})}
	if s.Process, err = child.Start(dir, env, logWriter{s}, o.Binary, "serve"); err != nil {
		return nil, err
	}
	if err := s.awaitBoot(ctx, o.Workers); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.unwatch = s.beginWatch()
	return s, nil
}

// Address returns the server's address.
func (s *Server) Address() netip.AddrPort { return s.address }

// Clients returns the clients' ports of the connections that a worker has open now.
func (s *Server) Clients(worker int) map[int]bool {
	return clientPorts(worker, int(s.address.Port()))
}

// Freeze stops a worker (SIGSTOP), waits until it is fully stopped, and returns its
// Clients, which then cannot change any more, and the time at which it began.
func (s *Server) Freeze(ctx context.Context, worker int) (clients map[int]bool, at time.Time, err error) {
	if !slices.Contains(children(s.PID), worker) {
		return nil, at, fmt.Errorf("process %d is not a worker of this server", worker)
	}
	at = time.Now()
	if err := syscall.Kill(worker, syscall.SIGSTOP); err != nil {
		return nil, at, fmt.Errorf("stop worker %d: %w", worker, err)
	}
	ctx, cancel := context.WithTimeout(ctx, freezeWait)
	defer cancel()
	for !isStopped(worker) {
		if ctx.Err() != nil {
			return nil, at, fmt.Errorf("worker %d does not stop: %w", worker, ctx.Err())
		}
		runtime.Gosched()
	}
	return s.Clients(worker), at, nil
}

// awaitBoot finds the port and waits for the workers. The port is read from the kernel,
// because the log line with the port is not written at LOG_LEVEL=warn.
func (s *Server) awaitBoot(ctx context.Context, workers int) error {
	ctx, cancel := context.WithTimeout(ctx, bootWait)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if port := listeningPort(s.PID); port > 0 {
			s.address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)) //nolint:gosec // a port
			page, err := fetchPage(ctx, s.address)
			if err == nil && page.ready() >= workers {
				return nil
			}
		}
		select {
		case <-s.Ended:
			if s.Err == nil {
				return errors.New("the server ended while starting")
			}
			return fmt.Errorf("the server ended while starting: %w: %s", s.Err, strings.Join(s.Told(), "; "))
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready within %v: %s", bootWait, strings.Join(s.Told(), "; "))
		case <-tick.C:
		}
	}
}

// Stop ends the server with TERM, and with KILL after a timeout. It returns an error unless the server exits with
// status 0.
func (s *Server) Stop() error {
	if s.unwatch != nil {
		s.unwatch()
	}
	if err := s.Process.Stop((gracefulTime + 5) * time.Second); err != nil {
		return fmt.Errorf("stop the server: %w: %s", err, strings.Join(s.Told(), "; "))
	}
	return os.RemoveAll(s.dir)
}

var (
	lineLevel = regexp.MustCompile(`\blevel=(\w+)`)
	lineReady = regexp.MustCompile(`msg="Worker ready".* pid=(\d+) slot=(\d+)`)
)

// logWriter parses the lines of a server's log.
type logWriter struct{ server *Server }

// Write implements io.Writer.
func (w logWriter) Write(p []byte) (int, error) {
	s := w.server
	s.partial = append(s.partial, p...)
	for {
		line, rest, whole := bytes.Cut(s.partial, []byte("\n"))
		if !whole && len(line) < maxLogLine {
			return len(p), nil
		}
		s.hear(strings.TrimSpace(string(line)), time.Now())
		s.partial = rest
	}
}

func (s *Server) hear(line string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := lineReady.FindStringSubmatch(line); m != nil {
		pid, _ := strconv.Atoi(m[1]) // digits
		slot, _ := strconv.Atoi(m[2])
		s.ready = append(s.ready, Ready{pid, slot, now})
		close(s.news)
		s.news = make(chan struct{})
	}
	var level slog.Level
	m := lineLevel.FindStringSubmatch(line)
	plain := m == nil || level.UnmarshalText([]byte(m[1])) != nil
	if line == "" || !plain && level < slog.LevelWarn {
		return
	}
	if s.complaints = append(s.complaints, line); len(s.complaints) > keptLines {
		s.complaints = s.complaints[1:]
	}
}

// Told returns the latest warnings and errors that the server logged.
func (s *Server) Told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.complaints)
}

// AwaitReady waits for the slot's first worker that became ready after a time. It needs LOG_LEVEL=info.
func (s *Server) AwaitReady(ctx context.Context, slot int, after time.Time) (Ready, error) {
	for {
		s.mu.Lock()
		news := s.news
		i := slices.IndexFunc(s.ready, func(l Ready) bool { return l.Slot == slot && l.At.After(after) })
		if i >= 0 {
			defer s.mu.Unlock()
			return s.ready[i], nil
		}
		s.mu.Unlock()
		select {
		case <-news:
		case <-s.Ended:
			return Ready{}, fmt.Errorf("the server ended: %w", s.Err)
		case <-ctx.Done():
			return Ready{}, fmt.Errorf("no successor in slot %d: %w", slot, ctx.Err())
		}
	}
}
