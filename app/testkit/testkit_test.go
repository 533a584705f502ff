package testkit

import (
	"testing"
	"time"
)

func TestSizeIsSmallUnlessFullIsAskedFor(t *testing.T) {
	for value, want := range map[string]int{"": 3, "0": 3, "true": 3, "1": 50} {
		t.Setenv("FULL", value)
		if got := Size(3, 50); got != want {
			t.Errorf("FULL=%q: %d, want %d", value, got, want)
		}
	}
}

func TestProcessorTimeCountsWorkAndNoWaiting(t *testing.T) {
	sum := 0
	work := func(n int) func() {
		return func() {
			for i := range n {
				sum += i ^ sum
			}
		}
	}
	waits := ProcessorTime(2, func() { Pause(50 * time.Millisecond) })
	little, much := ProcessorTime(3, work(1_000_000)), ProcessorTime(3, work(50_000_000))
	if waits > 25*time.Millisecond || much < 5*little {
		t.Errorf("waiting takes %v, a little work %v, fifty times that %v", waits, little, much)
	}
}
