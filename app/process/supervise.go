package process

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"studysharper/app/cache/contextcache"
	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/logging"
	"studysharper/app/memory"
	"studysharper/app/metrics"
	"studysharper/app/store"
	journals "studysharper/app/stream/memory"
	"studysharper/app/stream/relay"
	"studysharper/app/supervisor"
)

// missedBeats is the minimum number of heartbeats that a worker may miss, however short WORKER_TIMEOUT is: a busy
// machine delays one or two.
const missedBeats = 4

// noticeQueue is the number of worker notices that may wait for the supervisor's loop.
const noticeQueue = 256

// Serve runs the supervisor. It returns when the last worker has exited.
func Serve(environment map[string]string, version, commit string) error {
	huge := memory.DisableHugePages()
	e, err := config.Prepare(context.Background(), environment, memory.Limit(), cluster.CheckSettings)
	if err != nil {
		return err
	}
	c, b, files := e.Config, e.Budget, e.Files
	signals := signals() // from here on, SIGTERM asks for a graceful stop
	debug.SetMemoryLimit(b.Supervisor)
	debug.SetGCPercent(config.GCPercent)
	log, flush := logging.New(c.LogFormat, c.LogLevel)
	defer flush()
	log.Info("Starting studysharper "+version, "commit", commit)
	if huge != nil {
		log.Debug("huge pages not disabled", "error", huge) // an old kernel, or a sandbox that forbids it
	}
	for _, warning := range e.Warnings {
		log.Warn(warning)
	}
	if err := migrateApart(environment); err != nil {
		return BootError{err}
	}
	release, err := store.Hold(c.DatabaseURL)
	if err != nil {
		return BootError{err}
	}
	defer release()
	listener, err := supervisor.Listen(c.Address(), c.Port)
	if err != nil {
		return BootError{err}
	}
	defer func() { _ = listener.Close() }()
	log.Info(fmt.Sprintf("Listening at: http://%s (%d)", shown(c, listener), os.Getpid()))
	return supervise(c, b, files, environment, listener, signals, log)
}

// migrateApart runs `studysharper migrate` and waits for it. The supervisor lives as long as the container and needs no
// database after the migration; migrating in its own process would retain some 4 MB of memory.
func migrateApart(environment map[string]string) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), path, "migrate") //nolint:gosec // this program
	cmd.Env = variables(environment)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the supervisor, which waits
	var told strings.Builder
	cmd.Stderr = &told
	if err := cmd.Run(); err != nil {
		return errors.New(cmp.Or(strings.TrimSpace(strings.ReplaceAll("\n"+told.String(), "\n"+ErrorPrefix, "\n")), err.Error()))
	}
	return nil
}

func variables(environment map[string]string) []string {
	list := make([]string, 0, len(environment)+1)
	for name, value := range environment {
		list = append(list, name+"="+value)
	}
	return list
}

// supervise connects the supervisor's parts and runs them until it ends.
func supervise(c config.Config, b config.Budget, files config.Files, environment map[string]string, listener *net.TCPListener, signals <-chan os.Signal, log *slog.Logger) error {
	region, err := createShared(c, b, log)
	if err != nil {
		return BootError{err}
	}
	defer func() { _ = region.Close() }()
	shared, err := openShared(region, c, b, 0)
	if err != nil {
		return BootError{err}
	}
	section, err := region.Section(metrics.BoardSection, metrics.BoardSize)
	if err != nil {
		return BootError{err}
	}
	board, versions := metrics.NewBoard(section), contextcache.NewVersions(shared.versions)
	journal := journals.New(journalBounds(c, b))
	oom := memory.NewOOMWatch(log)
	var trimmer memory.HeapTrimmer
	var recent metrics.Recent
	notices := make(chan supervisor.Notice, noticeQueue)
	launcher, err := newFork(environment, listener, region.File(), notices, journal, log)
	if err != nil {
		return BootError{err}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return journal.Run(ctx) })
	group.Go(func() error {
		return metrics.Publish(ctx, board.Supervisor(), func() bool { return true },
			func(p *metrics.Entry) {
				publishJournal(p, journal)
				oom.Check()
				all := recent.Update(board)
				trimmer.Update(memory.Load{Streams: all.Sum(metrics.Streams), Answered: answered(all.Total), Beats: int64(len(all.Workers))})
			})
	})
	group.Go(func() error { return reap(ctx, notices) })
	group.Go(func() error {
		defer cancel()
		runtime.LockOSThread() // the workers die with the thread that forked them
		return supervisor.New(supervisor.Options{
			Workers: c.Workers, MaxWorkers: b.Slots(), MaxRequests: uint64(c.MaxRequests), Jitter: uint64(c.MaxRequestJitter), //nolint:gosec // bounded by their settings
			Limits: bounds(c, b), Board: board, Launcher: launcher,
			Notices: notices, Signals: signals, Log: log, MaxHeld: files.Held,
			Gone: shared.holdings.Forget,
			Died: versions.InvalidateAll, // it may have died between a change and its announcement
		}).Run(context.Background())
	})
	return group.Wait()
}

// journalBounds returns the journals' bounds. There is room for twice as many sessions as streams: even if every stream
// has its own session, as many more may have just received a request or just ended.
func journalBounds(c config.Config, b config.Budget) journals.Options {
	return journals.Options{
		MaxEvents: c.SSEQueueSize, MaxBytes: b.Journals, MaxSessions: 2 * c.SSEMaxStreams,
		MaxReaders: maxReaders(c), MaxRuns: max(leastRuns, c.MaxRuns), StaleAfter: c.SSEStaleAfter}
}

func bounds(c config.Config, b config.Budget) supervisor.Limits {
	l := supervisor.DefaultLimits()
	l.MaxMemory, l.MemoryShare = b.Recycle, b.Worker
	l.WorkerTimeout, l.Graceful, l.MinAge = c.WorkerTimeout, c.GracefulTimeout, c.MinWorkerAge
	l.Silence = max(c.WorkerTimeout, missedBeats*metrics.HeartbeatEvery)
	return l
}

func signals() <-chan os.Signal {
	ch := make(chan os.Signal, 16)
	signal.Notify(ch, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP,
		syscall.SIGUSR1, syscall.SIGTTIN, syscall.SIGTTOU)
	return ch
}

func reap(ctx context.Context, notices chan<- supervisor.Notice) error {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	supervisor.Reap(ctx, ended, notices)
	return nil
}

func newFork(environment map[string]string, listener *net.TCPListener, shared *os.File,
	notices chan<- supervisor.Notice, journal *journals.Journal, log *slog.Logger) (*supervisor.Fork, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	socket, err := listener.File()
	if err != nil {
		return nil, err
	}
	env := append(variables(environment), instanceVar+"="+rand.Text())
	return &supervisor.Fork{
		Path: path, Env: env, Notices: notices,
		Listener: supervisor.NewDescriptor(socket), Shared: supervisor.NewDescriptor(shared),
		Relay: func(ctx context.Context, conn net.Conn) {
			if err := relay.Serve(ctx, conn, journal, relay.Options{}); err != nil {
				log.Warn("worker journal connection closed", "error", err)
			}
		},
	}, nil
}

func publishJournal(p *metrics.Entry, journal *journals.Journal) {
	stats := journal.Stats()
	p.Set(metrics.Sessions, int64(stats.Sessions))
	p.Set(metrics.QueuedEvents, int64(stats.QueuedEvents))
	p.Set(metrics.QueuedBytes, stats.QueuedBytes)
	p.Set(metrics.OpenRuns, int64(stats.Runs))
	p.Store(metrics.DroppedEvents, stats.DroppedEvents)
}

// shown returns the address as written in the settings, with the port that was actually bound.
func shown(c config.Config, listener *net.TCPListener) string {
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return listener.Addr().String()
	}
	return net.JoinHostPort(c.Host, port)
}
