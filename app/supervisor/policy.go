package supervisor

import (
	"cmp"
	"time"

	"studysharper/app/metrics"
)

// Limits are the policy's limits.
type Limits struct {
	BootTimeout   time.Duration // from start to ready
	Silence       time.Duration // without a heartbeat
	WorkerTimeout time.Duration // for a request, and for work in progress when a worker is recycled
	RequestSlack  time.Duration // how long after WorkerTimeout a request may still run; it should time out itself before
	Graceful      time.Duration // from the stop request to SIGKILL
	MinAge        time.Duration // a worker younger than this is not replaced for its requests while its memory is within its share
	MaxMemory     int64         // a worker with more bytes of anonymous memory is replaced; 0 = unlimited
	MemoryShare   int64         // ... and with more than this, without a pause (see MemoryPause); 0 = unlimited
	BackoffFirst  time.Duration // pause after the second crash in a row; doubles with each further one ...
	BackoffMost   time.Duration // ... up to this ...
	HealthyAfter  time.Duration // ... and restarts after a worker has been ready for this long
}

// DefaultLimits returns the fixed limits, and defaults for those that settings change.
func DefaultLimits() Limits {
	return Limits{
		BootTimeout:   30 * time.Second,
		Silence:       120 * time.Second,
		WorkerTimeout: 120 * time.Second,
		RequestSlack:  5 * time.Second,
		Graceful:      30 * time.Second,
		MinAge:        30 * time.Second,
		BackoffFirst:  100 * time.Millisecond,
		BackoffMost:   10 * time.Second,
		HealthyAfter:  time.Minute,
	}
}

// Worker is what the policy knows about one process.
type Worker struct {
	Slot, PID int
	State     metrics.State
	Started   time.Time
	LastAlive time.Time // its last heartbeat
	Oldest    time.Time // when its oldest request in flight began; zero: none in flight
	Requests  uint64    // answered, not counting health probes
	Quota     uint64    // number of requests after which it is recycled; 0 = never
	RSS       int64     // bytes of resident memory, for the log
	Memory    int64     // bytes of anonymous memory
	BornWith  int64     // ... when it became ready
	Outdated  bool      // started before the last reload
	DrainBy   time.Time // deadline for its exit; zero: it was not told to drain
	Killed    bool      // it has been sent SIGKILL
}

// staying reports whether the worker has been neither killed nor told to drain.
func (w Worker) staying() bool { return !w.Killed && w.DrainBy.IsZero() }

// Slot is one place for a worker.
type Slot struct {
	Crashes   int       // unexpected ends in a row
	LastCrash time.Time // zero: none
	Closing   bool      // its workers are drained, and no new one is started
	Outgrown  int       // workers in a row that were replaced for their memory soon after their start
}

// View is the input of a decision. Workers are in the order in which they were started.
type View struct {
	Slots    []Slot
	Workers  []Worker
	Stopping bool      // drain all workers, start none
	StopBy   time.Time // when a stop kills the remaining workers
	Awake    time.Time // when the supervisor's last stall ended; zero: it never stalled
}

// Verb says what an Action does.
type Verb int

// The verbs of an Action.
const (
	Start Verb = iota + 1 // start a worker in Slot
	Drain                 // tell PID to finish its work and exit
	Kill                  // kill PID at once
)

// Reason is the reason for an action, as shown in the metrics and the log.
type Reason string

// The reasons for which a worker is ended, replaced or lost.
const (
	ReasonRequests Reason = "max_requests"
	ReasonMemory   Reason = "memory"
	ReasonTimeout  Reason = "timeout"
	ReasonCrash    Reason = "crash"
	ReasonReload   Reason = "reload"
	ReasonShrink   Reason = "ttou"
	ReasonStop     Reason = "stop"
)

// Action is something for the supervisor's loop to do.
type Action struct {
	Verb   Verb
	Slot   int
	PID    int
	Reason Reason
}

// decision is the state of one call of Next.
type decision struct {
	View
	limits  Limits
	now     time.Time
	wake    time.Time
	actions []Action
}

// Next decides what to do now, and when it must be called again at the latest (zero: no need). It is pure: it uses no
// clock, no process and no state outside its arguments. Its rules:
//
//   - A worker is killed if it is silent, not ready in time, or drains for too long. Time in which the supervisor did
//     not run does not count.
//   - An empty slot gets a worker, after a pause if workers have crashed in a row.
//   - A worker that must be recycled is told to drain only when its successor is ready. This happens in one slot at a
//     time, and not while the slot's last predecessor still drains, so that a slot never has more than two workers.
func Next(v View, l Limits, now time.Time) (actions []Action, wake time.Time) {
	d := &decision{View: v, limits: l, now: now}
	for _, w := range v.Workers {
		d.evaluateWorker(w)
	}
	if v.Stopping {
		return d.actions, d.wake
	}
	booting := d.anyBooting()
	for slot := range v.Slots {
		booting = d.evaluateSlot(slot, booting)
	}
	return d.actions, d.wake
}

// reached reports whether a time has come; if not, Next asks to be called then.
func (d *decision) reached(at time.Time) bool {
	if !d.now.Before(at) {
		return true
	}
	if d.wake.IsZero() || at.Before(d.wake) {
		d.wake = at
	}
	return false
}

func (d *decision) act(verb Verb, w Worker, why Reason) {
	d.actions = append(d.actions, Action{Verb: verb, Slot: w.Slot, PID: w.PID, Reason: why})
}

// evaluateWorker decides about one worker, regardless of its slot.
func (d *decision) evaluateWorker(w Worker) {
	switch {
	case w.Killed:
	case d.Stopping && d.reached(d.StopBy):
		d.act(Kill, w, ReasonStop)
	case d.Stopping && w.DrainBy.IsZero():
		d.act(Drain, w, ReasonStop)
	case d.Stopping:
	case w.State == metrics.Booting && d.reached(d.effectiveTime(w.Started).Add(d.limits.BootTimeout)),
		w.State != metrics.Booting && d.reached(d.effectiveTime(w.LastAlive).Add(d.limits.Silence)),
		!w.Oldest.IsZero() && w.staying() && d.reached(d.effectiveTime(w.Oldest).Add(d.limits.WorkerTimeout+d.limits.RequestSlack)),
		!w.DrainBy.IsZero() && d.reached(w.DrainBy):
		d.act(Kill, w, ReasonTimeout)
	}
}

// effectiveTime is the time from which a worker's timeouts count: while the supervisor did not run, its workers may not
// have run either.
func (d *decision) effectiveTime(moment time.Time) time.Time {
	if moment.Before(d.Awake) {
		return d.Awake
	}
	return moment
}

// anyBooting reports whether some slot's worker is not ready yet.
func (d *decision) anyBooting() bool {
	for _, w := range d.Workers {
		if w.staying() && w.State == metrics.Booting {
			return true
		}
	}
	return false
}

// evaluateSlot decides about one slot. booting, as argument and as result, says whether any slot is booting a worker.
func (d *decision) evaluateSlot(slot int, booting bool) bool {
	staying, leaving := d.workersOf(slot)
	switch {
	case d.Slots[slot].Closing:
		for _, w := range staying {
			d.act(Drain, w, ReasonShrink)
		}
	case len(staying) == 0:
		if d.backoffElapsed(slot) {
			d.act(Start, Worker{Slot: slot}, "")
			return true
		}
	case len(staying) > 1:
		if staying[len(staying)-1].State == metrics.Ready {
			d.act(Drain, staying[0], cmp.Or(d.recycleReason(staying[0]), ReasonMemory)) // the memory alone may have fallen in the meantime
		}
	case d.recycleReason(staying[0]) != "" && staying[0].State == metrics.Ready && leaving == 0 && !booting && d.backoffElapsed(slot):
		d.act(Start, Worker{Slot: slot}, d.recycleReason(staying[0]))
		return true
	}
	return booting
}

// workersOf returns the workers of a slot that stay, oldest first, and the number that are leaving.
func (d *decision) workersOf(slot int) (staying []Worker, leaving int) {
	for _, w := range d.Workers {
		switch {
		case w.Slot != slot:
		case w.staying():
			staying = append(staying, w)
		default:
			leaving++
		}
	}
	return staying, leaving
}

// backoffElapsed reports whether the pause after the slot's last crash is over.
func (d *decision) backoffElapsed(slot int) bool {
	s := d.Slots[slot]
	return d.reached(s.LastCrash.Add(Backoff(s.Crashes, d.limits)))
}

// recycleReason returns the reason to replace a worker; "" if there is none.
func (d *decision) recycleReason(w Worker) Reason {
	switch {
	case w.Outdated:
		return ReasonReload
	case d.outgrown(w):
		return ReasonMemory
	case w.Quota > 0 && w.Requests >= w.Quota && d.mature(w):
		return ReasonRequests
	default:
		return ""
	}
}

// mature reports whether a worker may be replaced because of its number of requests alone. That number limits what
// leaks with each request. Under load it is reached within a second, long before a leak could matter, and replacing
// workers so often would cost more than the requests themselves. A faster leak shows in the worker's memory.
func (d *decision) mature(w Worker) bool {
	aboveShare := d.limits.MemoryShare > 0 && w.Memory > d.limits.MemoryShare
	return aboveShare || d.reached(w.Started.Add(d.limits.MinAge))
}

// Backoff is the pause before a slot's next worker after so many crashes in a row; after a single crash there is none.
func Backoff(crashes int, l Limits) time.Duration {
	return pauseAfter(crashes, l.BackoffFirst, l.BackoffMost)
}

// pauseAfter returns a pause that doubles from first to most with the number of times in a row; after a single time it
// is 0.
func pauseAfter(times int, first, most time.Duration) time.Duration {
	if times <= 1 {
		return 0
	}
	pause := first
	for i := 2; i < times && pause < most; i++ {
		pause *= 2
	}
	return min(pause, most)
}
