package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"studysharper/app/config"
	"studysharper/app/logging"
	"studysharper/app/memory"
	"studysharper/app/metrics"
	"studysharper/app/study"
	"studysharper/app/supervisor"
	"studysharper/app/trace"
)

// Work runs a worker process. It returns when the supervisor has told it to stop and all work in progress is finished.
func Work(version string) error {
	parent, err := supervisor.OpenParent()
	if err != nil {
		return err
	}
	e, err := config.Read(config.Environment(), memory.Limit())
	if err != nil {
		return BootError{err}
	}
	c, b, files := e.Config, e.Budget, e.Files
	debug.SetMemoryLimit(b.Worker)
	offerToOOMKiller()
	log, flush := logging.New(c.LogFormat, c.LogLevel)
	defer flush()
	defer trace.Flush()
	log = log.With("worker", os.Getpid())
	if err := supervisor.FaultAtBoot(parent.Generation); err != nil {
		return err
	}
	p, err := assemble(c, b, files, parent, version, log)
	if err != nil {
		return BootError{err}
	}
	return errors.Join(p.run(c, parent, log), p.store.Close())
}

// offerToOOMKiller makes the kernel kill a worker rather than the supervisor when memory runs out. If the file is not
// writable, the kernel chooses by size.
func offerToOOMKiller() {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) //nolint:gosec // the file is there
}

// run serves until the supervisor tells the worker to stop, or exits.
func (p *parts) run(c config.Config, parent *supervisor.Parent, log *slog.Logger) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	group, ctx := errgroup.WithContext(ctx)
	drain := func(m supervisor.Message) {
		defer leave()
		if err := p.drain(m, parent); err != nil {
			log.Warn("drain incomplete", "error", err)
		}
		p.purger.Flush() // while the supervisor still listens
	}
	// When any part ends (a lost relay, for example), the server must end too.
	context.AfterFunc(ctx, func() { _ = parent.Listener.Close() })
	group.Go(func() error { return p.Backends.Run(ctx) })
	group.Go(func() error { return p.store.Run(ctx) })
	group.Go(func() error { return p.purger.Run(ctx) })
	group.Go(func() error { return p.hub.Run(ctx) })
	group.Go(func() error {
		return metrics.Publish(ctx, parent.Own(), p.server.Alive, func(page *metrics.Entry) {
			p.publish(page)
			p.trimmer.Update(memory.Load{Streams: page.Gauge(metrics.Streams), Answered: answered(page.Count), Beats: 1})
		})
	})
	group.Go(func() error { return p.server.Serve(parent.Listener) })
	group.Go(func() error {
		return onTerm(ctx, func() { drain(supervisor.Message{Millis: c.GracefulTimeout.Milliseconds()}) })
	})
	group.Go(func() error {
		return parent.Listen(ctx, func(m supervisor.Message) {
			switch m.Kind {
			case supervisor.KindDrain:
				go drain(m)
			case supervisor.KindConn:
				p.adopt(m, log)
			case supervisor.KindClear:
				p.PurgeOwn(ctx, m.Pattern)
				p.contexts.Clear(ctx, m.Pattern)
			case supervisor.KindCancel:
				p.runner.Cancel(m.Run, study.ErrRunCancelled)
			}
		})
	})
	if err := parent.Ready(); err != nil {
		return fmt.Errorf("tell the supervisor: %w", err)
	}
	debug.SetGCPercent(config.GCPercent) // only now: earlier, the start-up's live data would be collected for nothing
	return group.Wait()
}

// answered is the number of requests of all kinds answered so far, as read by count.
func answered(count func(metrics.Counter) uint64) int64 {
	return int64(count(metrics.Requests) + count(metrics.Refused) + count(metrics.Probes)) //nolint:gosec // nothing lives so long
}

// drain finishes the work in progress before a stop, or passes what is left to a successor.
func (p *parts) drain(m supervisor.Message, parent *supervisor.Parent) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(m.Millis)*time.Millisecond)
	defer cancel()
	if !m.HandOver {
		return p.server.Drain(ctx)
	}
	return p.server.Leave(ctx, parent.HandOver)
}

// adopt accepts a connection or stream from a worker that is leaving.
func (p *parts) adopt(m supervisor.Message, log *slog.Logger) {
	var conn *net.TCPConn
	var err error
	if m.Stream != nil && m.Conn > 0 {
		err = p.server.AdoptStream(m.Conn, m.Stream)
	} else if conn, err = m.TCPConn(); err == nil {
		p.server.Adopt(conn)
	}
	if err != nil {
		log.Warn("invalid hand-over message", "error", err)
	}
}

// onTerm drains when this worker alone receives SIGTERM.
func onTerm(ctx context.Context, drain func()) error {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	defer signal.Stop(term)
	select {
	case <-ctx.Done():
	case <-term:
		drain()
	}
	return nil
}
