package harness

import (
	"testing"
	"time"
)

const pollEvery = 20 * time.Millisecond

// Poll calls is until it returns true or the time within is over, with a pause between two calls. It reports whether is
// returned true. A test uses it where the end of the wait is not a failure, or where the failure needs words of its own.
func Poll(within, pause time.Duration, is func() bool) bool {
	for deadline := time.Now().Add(within); ; time.Sleep(pause) {
		if is() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// Eventually ends the test as failed unless is returns true within ReadyWithin. what is the condition in words: "both
// workers serve".
func Eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	if !Poll(ReadyWithin, pollEvery, is) {
		t.Fatalf("not within %v: %s", ReadyWithin, what)
	}
}

// Pause lets a fixed time pass while a load runs, a fault lasts or memory settles. Never use it to wait for something that
// can be observed.
func Pause(d time.Duration) { time.Sleep(d) }
