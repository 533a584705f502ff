package supervisor

import (
	"time"

	"studysharper/app/metrics"
)

// Limits are the policy's bounds.
type Limits struct {
	BootTimeout   time.Duration // from start to ready
	WorkerTimeout time.Duration // silence of a ready worker
	Graceful      time.Duration // from the order to stop to the kill
	BackoffFirst  time.Duration // pause after a second crash in a row; doubles with each further one ...
	BackoffMost   time.Duration // ... up to this ...
	HealthyAfter  time.Duration // ... and starts over once a worker has been ready for so long
}

// DefaultLimits are the bounds that no setting changes.
func DefaultLimits() Limits {
	return Limits{
		BootTimeout:   30 * time.Second,
		WorkerTimeout: 120 * time.Second,
		Graceful:      30 * time.Second,
		BackoffFirst:  100 * time.Millisecond,
		BackoffMost:   10 * time.Second,
		HealthyAfter:  time.Minute,
	}
}

// Worker is what the policy knows of one process.
type Worker struct {
	Slot      int
	PID       int
	State     metrics.State
	Started   time.Time
	LastAlive time.Time // its last heartbeat
	DrainedAt time.Time // when it was told to drain; zero: it was not
	Killed    bool      // it has been sent SIGKILL
}

// Slot is one place for a worker.
type Slot struct {
	Crashes   int       // unexpected ends in a row
	LastCrash time.Time // zero: none
}

// View is everything a choice is made from.
type View struct {
	Slots    []Slot
	Workers  []Worker
	Stopping bool      // drain all, start none
	StopBy   time.Time // when a stop stops waiting
}

// Verb says what an Action does.
type Verb int

// The verbs.
const (
	Start Verb = iota + 1 // a worker in Slot
	Drain                 // tell PID to finish and leave
	Kill                  // end PID at once
)

// Reason says why, as on the metrics page and in the log.
type Reason string

// The reasons to end a worker, or to have lost it.
const (
	ReasonTimeout Reason = "timeout"
	ReasonCrash   Reason = "crash"
	ReasonStop    Reason = "stop"
)

// Action is one thing for the loop to do.
type Action struct {
	Verb   Verb
	Slot   int
	PID    int
	Reason Reason
}

// Next decides what to do now, and when at the latest to ask again (zero: nothing
// is due). It is pure: no clock, no process, no state of its own.
func Next(v View, l Limits, now time.Time) (actions []Action, wake time.Time) {
	due := func(at time.Time) bool {
		if !now.Before(at) {
			return true
		}
		if wake.IsZero() || at.Before(wake) {
			wake = at
		}
		return false
	}
	for _, w := range v.Workers {
		if a, ok := judge(v, w, l, due); ok {
			actions = append(actions, a)
		}
	}
	if v.Stopping {
		return actions, wake
	}
	for i, slot := range v.Slots {
		if !occupied(v.Workers, i) && due(slot.LastCrash.Add(Backoff(slot.Crashes, l))) {
			actions = append(actions, Action{Verb: Start, Slot: i})
		}
	}
	return actions, wake
}

// judge decides about one worker; due reports whether a moment has come, and notes it if not.
func judge(v View, w Worker, l Limits, due func(time.Time) bool) (Action, bool) {
	end := func(verb Verb, why Reason) (Action, bool) {
		return Action{Verb: verb, Slot: w.Slot, PID: w.PID, Reason: why}, true
	}
	switch {
	case w.Killed:
		return Action{}, false
	case v.Stopping && due(v.StopBy):
		return end(Kill, ReasonStop)
	case v.Stopping && w.DrainedAt.IsZero():
		return end(Drain, ReasonStop)
	case w.State == metrics.Booting && due(w.Started.Add(l.BootTimeout)):
		return end(Kill, ReasonTimeout)
	case w.State != metrics.Booting && due(w.LastAlive.Add(l.WorkerTimeout)):
		return end(Kill, ReasonTimeout)
	default:
		return Action{}, false
	}
}

// occupied reports whether a slot has a worker that is not on its way out.
func occupied(workers []Worker, slot int) bool {
	for _, w := range workers {
		if w.Slot == slot && !w.Killed && w.DrainedAt.IsZero() {
			return true
		}
	}
	return false
}

// Backoff is the pause before a slot's next worker after so many crashes in a row:
// none after a single one, which may be bad luck.
func Backoff(crashes int, l Limits) time.Duration {
	if crashes <= 1 {
		return 0
	}
	pause := l.BackoffFirst
	for i := 2; i < crashes && pause < l.BackoffMost; i++ {
		pause *= 2
	}
	return min(pause, l.BackoffMost)
}
