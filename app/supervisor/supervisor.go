package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"syscall"
	"time"

	"studysharper/app/metrics"
)

// ExitBoot is the status of a worker that cannot serve and knows why, and of a
// supervisor that stops for it.
const ExitBoot = 3

// ErrBoot says that no worker ever became ready.
var ErrBoot = errors.New("no worker can start")

// bootCrashes is how many workers may die before the first one is ready.
const bootCrashes = 5

// Options are what a Supervisor works with.
type Options struct {
	Workers  int // slots, 1 to metrics.MaxWorkers/2
	Limits   Limits
	Board    *metrics.Board
	Launcher Launcher
	Notices  <-chan Notice    // the launcher's and the reaper's
	Signals  <-chan os.Signal // TERM, INT, QUIT, HUP, TTIN, TTOU, USR1
	Log      *slog.Logger
	// Silence is how long the owner of a page has given no sign of life; nil: by the page's heartbeat.
	Silence func(*metrics.Page) time.Duration
}

// Supervisor keeps the workers of one container. Make it with New, then Run it.
type Supervisor struct {
	o        Options
	slots    []place
	workers  map[int]*worker // by pid
	stopping bool
	stopBy   time.Time
	booted   bool // a worker was ready once
	crashes  int  // ends before that
}

type place struct {
	Slot
	generation int
}

type worker struct {
	Worker
	process Process
	page    int
	readyAt time.Time
}

// New makes a supervisor; nothing happens before Run.
func New(o Options) *Supervisor {
	if o.Silence == nil {
		o.Silence = func(p *metrics.Page) time.Duration {
			return time.Duration(metrics.Monotonic() - p.Gauge(metrics.Heartbeat))
		}
	}
	return &Supervisor{o: o, slots: make([]place, o.Workers), workers: map[int]*worker{}}
}

// Run keeps the workers until a signal or ctx's end stops them; it returns when
// the last one is gone: nil after a graceful stop, ErrBoot when none ever became
// ready. It must run on one locked OS thread (see Fork).
func (s *Supervisor) Run(ctx context.Context) error {
	ended := ctx.Done()
	for {
		wake := s.act()
		if s.stopping && len(s.workers) == 0 {
			return s.verdict()
		}
		select {
		case <-ended:
			ended = nil
			s.stop(s.o.Limits.Graceful)
		case sig := <-s.o.Signals:
			s.signal(sig)
		case n := <-s.o.Notices:
			s.notice(n)
		case <-wake:
		}
	}
}

func (s *Supervisor) verdict() error {
	if !s.booted && s.crashes > 0 {
		return ErrBoot
	}
	return nil
}

// act carries out what the policy says and gives a channel that fires when it is
// to be asked again; nil when only an event can change anything.
func (s *Supervisor) act() <-chan time.Time {
	now := time.Now()
	actions, wake := Next(s.view(now), s.o.Limits, now)
	for _, a := range actions {
		s.do(a, now)
	}
	if len(actions) > 0 {
		return time.After(0)
	}
	if wake.IsZero() {
		return nil
	}
	return time.After(wake.Sub(now))
}

func (s *Supervisor) view(now time.Time) View {
	v := View{Stopping: s.stopping, StopBy: s.stopBy}
	for _, p := range s.slots {
		v.Slots = append(v.Slots, p.Slot)
	}
	for _, w := range s.workers {
		page := s.o.Board.Worker(w.page)
		w.State = metrics.State(page.Gauge(metrics.StateOf))
		w.LastAlive = now.Add(-s.o.Silence(page))
		v.Workers = append(v.Workers, w.Worker)
	}
	slices.SortFunc(v.Workers, func(a, b Worker) int { return a.PID - b.PID })
	return v
}

func (s *Supervisor) do(a Action, now time.Time) {
	switch a.Verb {
	case Start:
		s.start(a.Slot, now)
	case Drain:
		s.drain(s.workers[a.PID], now)
	case Kill:
		s.kill(s.workers[a.PID], a.Reason)
	}
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
	pid := process.PID()
	s.o.Board.Worker(page).Set(metrics.PID, int64(pid))
	s.workers[pid] = &worker{Worker: Worker{Slot: slot, PID: pid, Started: now}, process: process, page: page}
	s.o.Log.Info(fmt.Sprintf("Booting worker with pid: %d", pid), "slot", slot, "generation", p.generation)
}

func (s *Supervisor) failedStart(p *place, now time.Time, err error) {
	p.Crashes++
	p.LastCrash = now
	s.o.Log.Error("cannot start a worker", "error", err)
	s.countBootCrash()
}

func (s *Supervisor) drain(w *worker, now time.Time) {
	w.DrainedAt = now
	s.o.Board.Worker(w.page).Set(metrics.StateOf, int64(metrics.Draining))
	left := time.Until(s.stopBy)
	if err := w.process.Send(Message{Kind: KindDrain, Millis: left.Milliseconds()}); err != nil {
		s.o.Log.Warn("a worker does not listen", "pid", w.PID, "error", err)
		s.kill(w, ReasonStop)
	}
}

func (s *Supervisor) kill(w *worker, why Reason) {
	w.Killed = true
	if why == ReasonTimeout {
		s.o.Log.Error(fmt.Sprintf("Worker timeout (pid: %d)", w.PID), "slot", w.Slot)
		s.o.Board.Supervisor().Add(metrics.RecycledTimeout, 1)
	}
	if err := w.process.Kill(); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.o.Log.Error("cannot end a worker", "pid", w.PID, "error", err)
	}
}

// notice takes in what a worker did. Ends of processes that are none of ours
// (orphans that process 1 inherits) need nothing but the reaping.
func (s *Supervisor) notice(n Notice) {
	w, ok := s.workers[n.PID]
	switch {
	case !ok:
	case n.Exited:
		s.exited(w, n.Status)
	case n.Message.Kind == KindReady:
		w.readyAt = time.Now()
		s.booted = true
		s.o.Log.Info("Worker ready", "pid", w.PID, "slot", w.Slot, "boot_ms", w.readyAt.Sub(w.Started).Milliseconds())
	case n.Message.Kind == KindClear:
		s.broadcast(n.Message)
	}
}

// exited takes leave of a worker's process and, if nobody asked it to go, counts a crash.
func (s *Supervisor) exited(w *worker, status syscall.WaitStatus) {
	now := time.Now()
	delete(s.workers, w.PID)
	w.process.Release()
	s.o.Board.Retire(w.page)
	s.o.Log.Info(fmt.Sprintf("Worker exiting (pid: %d)", w.PID), "slot", w.Slot, "status", describe(status))
	if s.stopping || w.Killed || !w.DrainedAt.IsZero() {
		return
	}
	s.o.Board.Supervisor().Add(metrics.RecycledCrash, 1)
	p := &s.slots[w.Slot]
	if !w.readyAt.IsZero() && now.Sub(w.readyAt) >= s.o.Limits.HealthyAfter {
		p.Crashes = 0
	}
	p.Crashes++
	p.LastCrash = now
	if status.ExitStatus() == ExitBoot {
		s.crashes = bootCrashes
	}
	s.countBootCrash()
}

// countBootCrash gives up when workers die and none was ever ready: what is wrong
// then will not mend itself.
func (s *Supervisor) countBootCrash() {
	s.crashes++
	if !s.booted && s.crashes >= bootCrashes {
		s.o.Log.Error("Worker failed to boot: giving up")
		s.stop(0)
	}
}

func (s *Supervisor) broadcast(m Message) {
	for _, w := range s.workers {
		if err := w.process.Send(m); err != nil {
			s.o.Log.Warn("a worker does not listen", "pid", w.PID, "error", err)
		}
	}
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
	case syscall.SIGUSR1:
		s.logBoard()
	default:
		s.o.Log.Warn("signal not acted on", "signal", sig.String())
	}
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
			"streams", w.Gauge(metrics.Streams), "rss_bytes", w.Gauge(metrics.RSSBytes))
	}
}

func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "signal: " + status.Signal().String()
	}
	return fmt.Sprintf("exit %d", status.ExitStatus())
}
