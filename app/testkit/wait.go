package testkit

import (
	"testing"
	"time"
)

// Patience is how long a test waits for something that is bound to happen. It only keeps a test from hanging.
const Patience = time.Minute

// pollInterval is the time between two looks at a condition.
const pollInterval = 5 * time.Millisecond

// Eventually waits until condition holds, and fails the test where it does not within Patience. The condition is
// called on the test's goroutine, so it may fail the test too.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !Poll(condition) {
		t.Fatalf("never: %s", what)
	}
}

// Pause waits in real time, for tests of what happens when time passes in another process. To wait for something that
// can be observed, use Eventually.
func Pause(d time.Duration) { time.Sleep(d) }

// Poll waits until condition holds, at most for Patience, and reports whether it does.
func Poll(condition func() bool) bool { return PollFor(Patience, pollInterval, condition) }

// PollFor is Poll with another bound and another time between two looks, for conditions that are costly to look at and waits
// whose end is not a failure.
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
