package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"studysharper/app/metrics"
)

type worker struct {
	Worker
	process     Process
	page        int
	launch      int // launch sequence number
	generation  int
	reload      int // number of reloads before it was started
	readyAt     time.Time
	unreachable bool // it did not accept a connection
}

func (s *Supervisor) start(slot int, now time.Time) {
	p := &s.slots[slot]
	p.generation++
	page, ok := s.o.Board.Claim(slot, p.generation)
	if !ok {
		s.failedStart(p, now, errors.New("the scoreboard is full"))
		return
	}
	process, err := s.o.Launcher.Launch(Launch{Slot: slot, Generation: p.generation, Page: page})
	if err != nil {
		s.o.Board.Retire(page)
		s.failedStart(p, now, err)
		return
	}
	s.launches++
	w := &worker{process: process, page: page, launch: s.launches, generation: p.generation, reload: s.reloads}
	w.Worker = Worker{Slot: slot, PID: process.PID(), Started: now, Quota: s.quota()}
	s.o.Board.Worker(page).Set(metrics.PID, int64(w.PID))
	s.o.Board.Worker(page).Set(metrics.Quota, int64(w.Quota))
	s.workers[w.PID] = w
	s.o.Log.Info(fmt.Sprintf("Booting worker with pid: %d", w.PID), "slot", slot, "generation", p.generation)
}

// quota returns the number of requests after which a new worker is recycled, with random jitter.
func (s *Supervisor) quota() uint64 {
	if s.o.MaxRequests == 0 {
		return 0
	}
	return s.o.MaxRequests + rand.N(s.o.Jitter+1) //nolint:gosec // jitter, not a secret
}

func (s *Supervisor) failedStart(p *place, now time.Time, err error) {
	s.o.Log.Error("cannot start a worker", "error", err)
	s.crashed(p, now)
}

// crashed counts an unexpected end. If workers die before any of them was ready, a new one would not help, and the
// supervisor gives up.
func (s *Supervisor) crashed(p *place, now time.Time) {
	p.Crashes++
	p.LastCrash = now
	s.crashes++
	if !s.booted && s.crashes >= bootCrashes && !s.stopping {
		s.o.Log.Error("Worker failed to boot: giving up")
		s.stop(0)
	}
}

// drain tells a worker to stop: because the service stops, or because its successor is ready to take over its
// connections.
func (s *Supervisor) drain(w *worker, why Reason, now time.Time) {
	m := Message{Kind: KindDrain, HandOver: why != ReasonStop}
	w.DrainBy = s.stopBy
	if !s.stopping {
		w.DrainBy = now.Add(s.o.Limits.WorkerTimeout + s.o.Limits.RequestSlack)
		s.o.Log.Info(fmt.Sprintf("Worker recycling (pid: %d) reason=%s", w.PID, why), "slot", w.Slot, "age", now.Sub(w.Started).Round(time.Millisecond).String(),
			"requests", w.Requests, "rss_bytes", w.RSS, "anon_bytes", w.Memory)
		s.count(why)
		if why == ReasonMemory {
			s.slots[w.Slot].outgrownBy(w.Worker, s.o.Limits, now)
		}
	}
	m.Millis = w.DrainBy.Sub(now).Milliseconds()
	s.o.Board.Worker(w.page).Set(metrics.StateOf, int64(metrics.Draining))
	if err := w.process.Send(m); err != nil {
		s.unsent(w, err)
		s.kill(w, ReasonStop, now)
	}
}

func (s *Supervisor) kill(w *worker, why Reason, now time.Time) {
	w.Killed = true
	if why == ReasonTimeout {
		s.o.Log.Error(fmt.Sprintf("Worker timeout (pid: %d)", w.PID), "slot", w.Slot, "state", w.State.String(),
			"silent", now.Sub(w.LastAlive).Round(time.Millisecond).String())
		s.count(why)
	}
	if err := w.process.Kill(); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.o.Log.Error("cannot kill a worker", "pid", w.PID, "error", err)
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

// exited removes a worker whose process has ended and counts a crash unless the worker was told to stop.
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

// unsent logs that a message to a worker was not sent. If the worker has ended, the level is debug, because its end is
// logged separately.
func (s *Supervisor) unsent(w *worker, err error) {
	level := slog.LevelWarn
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		level = slog.LevelDebug
	}
	s.o.Log.Log(context.Background(), level, "control socket write failed", "pid", w.PID, "error", err)
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
