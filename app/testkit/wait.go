package testkit

import (
	"testing"
	"time"
)

// Patience is how long a test waits for something that is certain to happen. It only keeps a test from hanging.
const Patience = time.Minute

// pollInterval is the time between two checks of a condition.
const pollInterval = 5 * time.Millisecond

// Eventually waits until condition holds, and fails the test if that takes longer than Patience. The condition is
// called on the test's goroutine, so it may fail the test too.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !Poll(condition) {
		t.Fatalf("never: %s", what)
	}
}

// Pause waits in real time, for tests of what another process does as time passes. To wait for something observable,
// use Eventually.
func Pause(d time.Duration) { time.Sleep(d) }

// Poll waits until condition holds, for at most Patience, and reports whether it does.
func Poll(condition func() bool) bool { return PollFor(Patience, pollInterval, condition) }

// PollFor is Poll with another time limit and interval, for conditions that are costly to check and for waits whose
// timeout is not a failure.
func PollFor(within, interval time.Duration, condition func() bool) bool {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		if condition() {
			return true
		}
	}
	return condition()
}
