package supervisor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"time"

	"studysharper/app/memory"
	"studysharper/app/metrics"
)

// ExitBoot is the exit status of a worker that cannot start, and of a supervisor that gives up because no worker can.
const ExitBoot = 3

// ErrBoot reports that no worker ever became ready.
var ErrBoot = errors.New("no worker can start")

const (
	bootCrashes = 5           // crashes before the first worker is ready after which the supervisor gives up
	lookEvery   = time.Second // how often the supervisor checks whether workers must be recycled
)

// Options are a Supervisor's settings and dependencies.
type Options struct {
	Workers     int    // number of slots at the start
	MaxWorkers  int    // number of slots that TTIN may raise it to, at most metrics.MaxWorkers/2
	MaxRequests uint64 // requests after which a worker is recycled, plus ...
	Jitter      uint64 // ... a random 0 to Jitter; MaxRequests 0 = never
	Limits      Limits
	Board       *metrics.Board
	Launcher    Launcher
	Notices     <-chan Notice    // the launcher's and the reaper's
	Signals     <-chan os.Signal // TERM, INT, QUIT, HUP, TTIN, TTOU, USR1
	Log         *slog.Logger
	// Silence returns the time since an entry's owner last showed that it is alive; nil: the age of its heartbeat.
	Silence func(*metrics.Entry) time.Duration
	MaxHeld int                                   // connections kept while no worker is ready; each occupies a descriptor; 0 = 4096
	Memory  func(pid int) (memory.Process, error) // memory of a process; nil: read from /proc
	// Died is called when a worker was killed or failed and may have left something half done. It must not block. nil:
	// not called.
	Died func()
	// Gone is called for every worker that has ended, with the index of its scoreboard entry, before the entry is
	// reused. nil: not called.
	Gone func(page int)
}

// Supervisor manages the workers of one container. Make it with New, then call Run.
type Supervisor struct {
	o        Options
	slots    []place
	workers  map[int]*worker // by pid
	launches int             // workers started so far
	reloads  int
	held     []Message // connections that were handed over while no worker was ready
	stopping bool
	stopBy   time.Time
	looked   time.Time // the last call of act
	awake    time.Time // the end of the last longBreak; zero: there was none
	stalls   stalls
	booted   bool // some worker has been ready
	crashes  int  // crashes before that
}

type place struct {
	Slot
	generation int
}

// New makes a supervisor. It starts nothing before Run.
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

// Run keeps the workers running until a signal or the end of ctx stops it. It returns when the last worker has exited:
// nil after a stop, ErrBoot if no worker ever became ready. It must run on one locked OS thread (see Fork).
func (s *Supervisor) Run(ctx context.Context) error {
	ended := ctx.Done()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var wake <-chan time.Time
	for decide := true; ; {
		if decide {
			wake = s.act()
		}
		if s.stopping && len(s.workers) == 0 {
			s.closePending()
			return s.verdict()
		}
		decide = true
		select {
		case <-ended:
			ended = nil
			s.stop(s.o.Limits.Graceful)
		case sig := <-s.o.Signals:
			s.signal(sig)
		case n := <-s.o.Notices:
			s.notice(n)
			decide = n.Message.Kind != KindConn // a recycle sends thousands of these, and they do not affect the policy
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

// act carries out the policy's decisions. It returns a channel that fires when the policy must decide again; nil if
// only an event can change anything.
func (s *Supervisor) act() <-chan time.Time {
	s.trim()
	for _, w := range s.workers {
		s.read(w)
	}
	now := time.Now() // after reading the workers' entries, so that a stall before or during it is noticed
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

// trim removes slots that TTOU has closed and that are empty.
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
	v := View{Stopping: s.stopping, StopBy: s.stopBy, Awake: s.awake, Slots: make([]Slot, 0, len(s.slots)), Workers: make([]Worker, 0, len(s.workers))}
	for _, p := range s.slots {
		v.Slots = append(v.Slots, p.Slot)
	}
	for _, w := range s.inOrder() {
		v.Workers = append(v.Workers, w.Worker)
	}
	return v
}

// inOrder returns the workers in the order in which they were started.
func (s *Supervisor) inOrder() []*worker {
	list := make([]*worker, 0, len(s.workers))
	for _, w := range s.workers {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *worker) int { return a.launch - b.launch })
	return list
}

// read updates a worker's state from its scoreboard entry. It reads an age before the clock, so that a stall between
// the two makes the worker look younger, not silent.
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

// notice handles a notice. Processes that are not workers (orphans that process 1 inherits) are only reaped.
// Connections are routed and caches cleared even if the sender has ended in the meantime.
func (s *Supervisor) notice(n Notice) {
	w, known := s.workers[n.PID]
	switch {
	case n.Message.Kind == KindConn:
		s.route(n.Message)
	case n.Message.Kind == KindClear, n.Message.Kind == KindCancel:
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
