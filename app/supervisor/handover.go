package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"studysharper/app/metrics"
)

// longBreak is a pause in the supervisor that is too long to be an accident of scheduling.
const longBreak = 2 * lookEvery

// stallsEvery is how often stalls of the supervisor are logged at the most: on a busy
// machine one follows the other.
const stallsEvery = time.Minute

// stalls are those that have not been logged yet.
type stalls struct {
	count   int
	longest time.Duration
	logged  time.Time // when some were last
}

// onSuspended notes it when the supervisor did not run for a while: it was stopped, or there
// was no processor for it. The pause is no part of the time that a worker has to drain.
func (s *Supervisor) onSuspended(now time.Time) {
	if pause := now.Sub(s.looked); !s.looked.IsZero() && pause > longBreak {
		s.awake = now
		for _, w := range s.workers {
			if !w.DrainBy.IsZero() {
				w.DrainBy = w.DrainBy.Add(pause)
			}
		}
		s.stalls.count++
		s.stalls.longest = max(s.stalls.longest, pause)
	}
	s.looked = now
	s.logStalls(now)
}

// logStalls logs the first stall at once, and how many followed it once a minute.
func (s *Supervisor) logStalls(now time.Time) {
	if s.stalls.count == 0 || (!s.stalls.logged.IsZero() && now.Sub(s.stalls.logged) < stallsEvery) {
		return
	}
	s.o.Log.Warn("supervisor was stalled; worker timeouts not applied", "times", s.stalls.count, "longest", s.stalls.longest.Round(time.Millisecond).String())
	s.stalls = stalls{logged: now}
}

// notice takes in what a worker did. Ends of processes that are not ours
// (orphans that process 1 inherits) need nothing but the reaping. A connection is
// passed on, and caches are cleared, also when the sender is gone by now.
func (s *Supervisor) notice(n Notice) {
	w, known := s.workers[n.PID]
	switch {
	case n.Message.Kind == KindConn:
		s.route(n.Message)
	case n.Message.Kind == KindClear:
		s.broadcast(n.Message)
	case !known:
	case n.Exited:
		s.exited(w, n.Status)
	case n.Message.Kind == KindReady:
		s.ready(w)
	case n.Message.Kind == KindReload:
		s.reload()
	}
}

func (s *Supervisor) ready(w *worker) {
	w.readyAt = time.Now()
	s.booted = true
	s.read(w)
	if w.BornWith = w.Memory; s.o.Limits.MaxMemory > 0 && w.BornWith > s.o.Limits.MaxMemory {
		s.o.Log.Warn("a new worker is above its memory limit already: raise MAX_WORKER_MEMORY_MB, or give the container more memory",
			"pid", w.PID, "anon_bytes", w.BornWith, "limit_bytes", s.o.Limits.MaxMemory)
	}
	s.o.Log.Info("Worker ready", "pid", w.PID, "slot", w.Slot, "boot_ms", w.readyAt.Sub(w.Started).Milliseconds())
	held := s.held
	s.held = nil
	for _, m := range held {
		s.route(m)
	}
}

// route gives a connection to the newest worker of its slot, else to any that is
// ready; while none is, the connection is held.
func (s *Supervisor) route(m Message) {
	for {
		w := s.successor(m.Slot)
		switch {
		case w == nil && (s.stopping || len(s.held) >= s.o.MaxHeld):
			s.o.Board.Supervisor().Add(metrics.HandOversLost, 1)
			m.Release()
			return
		case w == nil:
			s.held = append(s.held, m)
			return
		}
		if err := w.process.Send(m); err == nil {
			s.o.Board.Supervisor().Add(metrics.HandOvers, 1)
			m.Release()
			return
		}
		w.deaf = true
	}
}

// successor is the worker that takes over a connection of a slot; nil = none is ready.
func (s *Supervisor) successor(slot int) *worker {
	var best *worker
	for _, w := range s.inOrder() {
		if w.readyAt.IsZero() || !w.staying() || w.deaf {
			continue
		}
		if best == nil || w.Slot == slot || best.Slot != slot {
			best = w
		}
	}
	return best
}

func (s *Supervisor) closePending() {
	for _, m := range s.held {
		m.Release()
	}
	s.held = nil
}

// exited takes leave of a worker's process and, if nobody asked it to go, counts a crash.
func (s *Supervisor) exited(w *worker, status syscall.WaitStatus) {
	now := time.Now()
	delete(s.workers, w.PID)
	w.process.Release()
	if s.o.Gone != nil {
		s.o.Gone(w.page)
	}
	s.o.Board.Retire(w.page)
	s.o.Log.Info(fmt.Sprintf("Worker exiting (pid: %d)", w.PID), "slot", w.Slot, "status", describe(status))
	if s.o.Died != nil && status != 0 {
		s.o.Died()
	}
	if s.stopping || !w.DrainBy.IsZero() {
		return
	}
	p := &s.slots[w.Slot]
	if !w.readyAt.IsZero() && now.Sub(w.readyAt) >= s.o.Limits.HealthyAfter {
		p.Crashes = 0
	}
	if !w.Killed {
		s.count(ReasonCrash)
	}
	if status.ExitStatus() == ExitBoot {
		s.crashes = bootCrashes
	}
	s.crashed(p, now)
}

func (s *Supervisor) broadcast(m Message) {
	for _, w := range s.inOrder() {
		if err := w.process.Send(m); err != nil {
			s.unsent(w, err)
		}
	}
}

// unsent logs that a worker did not get a message. That one which is gone, or about to
// be, got none is nothing to look into: its end has a line of its own.
func (s *Supervisor) unsent(w *worker, err error) {
	level := slog.LevelWarn
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		level = slog.LevelDebug
	}
	s.o.Log.Log(context.Background(), level, "control socket write failed", "pid", w.PID, "error", err)
}

func (s *Supervisor) signal(sig os.Signal) {
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT:
		if s.stopping {
			s.stop(0)
			return
		}
		s.stop(s.o.Limits.Graceful)
	case syscall.SIGQUIT:
		s.stop(0)
	case syscall.SIGHUP:
		s.reload()
	case syscall.SIGTTIN:
		s.grow()
	case syscall.SIGTTOU:
		s.shrink()
	case syscall.SIGUSR1:
		s.logBoard()
	}
}

// reload makes every worker due to be replaced.
func (s *Supervisor) reload() {
	s.reloads++
	s.o.Log.Info("Reloading: every worker is replaced", "workers", len(s.slots))
}

func (s *Supervisor) grow() {
	last := len(s.slots) - 1
	switch {
	case last >= 0 && s.slots[last].Closing:
		s.slots[last].Closing = false
	case len(s.slots) >= s.o.MaxWorkers:
		s.o.Log.Warn("cannot add a worker: the memory budget is used up", "workers", len(s.slots))
		return
	default:
		s.slots = append(s.slots, place{})
	}
	s.o.Log.Info("One worker more", "workers", len(s.slots))
}

// shrink closes the last slot that is not closed yet; one stays.
func (s *Supervisor) shrink() {
	for i := len(s.slots) - 1; i > 0; i-- {
		if !s.slots[i].Closing {
			s.slots[i].Closing = true
			s.o.Log.Info("One worker fewer", "workers", i)
			return
		}
	}
	s.o.Log.Warn("cannot remove the last worker")
}

// stop begins to stop, or hastens a stop that has begun.
func (s *Supervisor) stop(patience time.Duration) {
	if !s.stopping {
		s.o.Log.Info("Shutting down: master", "patience", patience.String())
	}
	s.stopping = true
	s.stopBy = time.Now().Add(patience)
}

func (s *Supervisor) logBoard() {
	for _, w := range s.o.Board.Snapshot().Workers {
		s.o.Log.Info("scoreboard", "pid", w.Gauge(metrics.PID), "slot", w.Gauge(metrics.Slot),
			"generation", w.Gauge(metrics.Generation), "state", w.State().String(),
			"requests", w.Count(metrics.Requests), "in_flight", w.Gauge(metrics.InFlight),
			"connections", w.Gauge(metrics.Connections), "streams", w.Gauge(metrics.Streams), "rss_bytes", w.Gauge(metrics.RSSBytes), "anon_bytes", w.Gauge(metrics.AnonymousBytes))
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit %d", status.ExitStatus())
}

func (s *Supervisor) count(why Reason) {
	counter, ok := map[Reason]metrics.Counter{
		ReasonRequests: metrics.RecycledRequests, ReasonMemory: metrics.RecycledMemory, ReasonTimeout: metrics.RecycledTimeout,
		ReasonCrash: metrics.RecycledCrash, ReasonReload: metrics.RecycledReload,
	}[why]
	if ok {
		s.o.Board.Supervisor().Add(counter, 1)
	}
}
