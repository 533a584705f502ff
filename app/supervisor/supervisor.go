package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"studysharper/app/memory"
	"studysharper/app/metrics"
)

// ExitBoot is the status of a worker that cannot serve and knows why, and of a
// supervisor that stops for it.
const ExitBoot = 3

// ErrBoot says that no worker ever became ready.
var ErrBoot = errors.New("no worker can start")

const (
	bootCrashes = 5           // workers that may die before the first one is ready
	lookEvery   = time.Second // how often the board is read for workers that are due
)

// Options are what a Supervisor works with.
type Options struct {
	Workers     int    // slots to begin with
	MaxWorkers  int    // slots that TTIN may raise it to, at most metrics.MaxWorkers/2
	MaxRequests uint64 // a worker is recycled after so many, plus ...
	Jitter      uint64 // ... a random 0 to Jitter; MaxRequests 0 = never
	Limits      Limits
	Board       *metrics.Board
	Launcher    Launcher
	Notices     <-chan Notice    // the launcher's and the reaper's
	Signals     <-chan os.Signal // TERM, INT, QUIT, HUP, TTIN, TTOU, USR1
	Log         *slog.Logger
	// Silence is how long the owner of a page has given no sign of life; nil: by the page's heartbeat.
	Silence func(*metrics.Entry) time.Duration
	MaxHeld int                                   // connections held while no worker is ready: each takes a descriptor; 0 = 4096
	Memory  func(pid int) (memory.Process, error) // of a process; nil: by /proc
	// Died is called when a worker was killed or failed: it may have left something half done.
	// It must not block. nil: nobody is told.
	Died func()
	// Gone is called for every worker that is gone, with its page of the board, before that is another's. nil: nobody is told.
	Gone func(page int)
}

// Supervisor keeps the workers of one container. Make it with New, then Run it.
type Supervisor struct {
	o        Options
	slots    []place
	workers  map[int]*worker // by pid
	launches int             // workers started so far
	reloads  int
	held     []Message // connections handed over while no worker is ready
	stopping bool
	stopBy   time.Time
	looked   time.Time // when it last did
	awake    time.Time // the end of the last longBreak; zero: there was none
	stalls   stalls
	booted   bool // a worker was ready once
	crashes  int  // ends before that
}

type place struct {
	Slot
	generation int
}

type worker struct {
	Worker
	process    Process
	page       int
	launch     int // launch sequence number
	generation int
	reload     int // reloads before it was started
	readyAt    time.Time
	deaf       bool // it did not take a connection
}

// New makes a supervisor; nothing happens before Run.
func New(o Options) *Supervisor {
	if o.Silence == nil {
		o.Silence = func(p *metrics.Entry) time.Duration {
			return time.Duration(metrics.Monotonic() - p.Gauge(metrics.Heartbeat))
		}
	}
	o.MaxHeld = cmp.Or(o.MaxHeld, 4096)
	if o.Memory == nil {
		o.Memory = memory.ReadProcess
	}
	return &Supervisor{o: o, slots: make([]place, o.Workers), workers: map[int]*worker{}}
}

// Run keeps the workers until a signal or ctx's end stops them; it returns when
// the last one is gone: nil after a stop, ErrBoot when none ever became ready. It
// must run on one locked OS thread (see Fork).
func (s *Supervisor) Run(ctx context.Context) error {
	ended := ctx.Done()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		wake := s.act()
		if s.stopping && len(s.workers) == 0 {
			s.closePending()
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
		case <-look.C:
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
	s.trim()
	for _, w := range s.workers {
		s.read(w)
	}
	now := time.Now() // after what it judges was read: a stall before or amid the reading shows in it
	s.onSuspended(now)
	actions, wake := Next(s.view(), s.o.Limits, now)
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

// trim takes away slots that TTOU has closed and that are empty.
func (s *Supervisor) trim() {
	for len(s.slots) > 0 && s.slots[len(s.slots)-1].Closing {
		last := len(s.slots) - 1
		for _, w := range s.workers {
			if w.Slot == last {
				return
			}
		}
		s.slots = s.slots[:last]
	}
}

func (s *Supervisor) view() View {
	v := View{Stopping: s.stopping, StopBy: s.stopBy, Awake: s.awake}
	for _, p := range s.slots {
		v.Slots = append(v.Slots, p.Slot)
	}
	for _, w := range s.inOrder() {
		v.Workers = append(v.Workers, w.Worker)
	}
	return v
}

// inOrder gives the workers in the order they were started.
func (s *Supervisor) inOrder() []*worker {
	list := make([]*worker, 0, len(s.workers))
	for _, w := range s.workers {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *worker) int { return a.launch - b.launch })
	return list
}

// read brings what is known of a worker up to date from its page. The present is taken after an
// age is, so that a stall between them makes the worker look younger, not silent.
func (s *Supervisor) read(w *worker) {
	page := s.o.Board.Worker(w.page)
	w.State = metrics.State(page.Gauge(metrics.StateOf))
	silence := s.o.Silence(page)
	w.LastAlive = time.Now().Add(-silence)
	w.Requests = page.Count(metrics.Requests)
	w.Outdated = w.reload < s.reloads
	w.Oldest = time.Time{}
	if began := page.Gauge(metrics.OldestStart); began > 0 {
		age := time.Duration(metrics.Monotonic() - began)
		w.Oldest = time.Now().Add(-age)
	}
	if memory, err := s.o.Memory(w.PID); err == nil {
		w.RSS, w.Memory = memory.Resident, memory.Anonymous
	}
}

func (s *Supervisor) do(a Action, now time.Time) {
	switch a.Verb {
	case Start:
		s.start(a.Slot, now)
	case Drain:
		s.drain(s.workers[a.PID], a.Reason, now)
	case Kill:
		s.kill(s.workers[a.PID], a.Reason, now)
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
	s.launches++
	w := &worker{process: process, page: page, launch: s.launches, generation: p.generation, reload: s.reloads}
	w.Worker = Worker{Slot: slot, PID: process.PID(), Started: now, Quota: s.quota()}
	s.o.Board.Worker(page).Set(metrics.PID, int64(w.PID))
	s.o.Board.Worker(page).Set(metrics.Quota, int64(w.Quota))
	s.workers[w.PID] = w
	s.o.Log.Info(fmt.Sprintf("Booting worker with pid: %d", w.PID), "slot", slot, "generation", p.generation)
}

// quota draws after how many requests a worker is recycled.
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

// crashed counts an unexpected end. Workers that die before any was ready are a
// matter that will not mend itself: the supervisor gives up.
func (s *Supervisor) crashed(p *place, now time.Time) {
	p.Crashes++
	p.LastCrash = now
	s.crashes++
	if !s.booted && s.crashes >= bootCrashes && !s.stopping {
		s.o.Log.Error("Worker failed to boot: giving up")
		s.stop(0)
	}
}

// drain tells a worker to leave: at the service's stop, or because its successor
// is ready and takes over its connections.
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
