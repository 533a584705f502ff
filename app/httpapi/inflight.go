package httpapi

import (
	"sync"

	"studysharper/app/metrics"
)

// inFlight knows the requests being answered, so that one that never ends is found.
type inFlight struct {
	mu    sync.Mutex
	began map[uint64]int64 // Monotonic nanoseconds, by a number of its own
	next  uint64
}

func newInFlight() *inFlight { return &inFlight{began: map[uint64]int64{}} }

// begin notes a request; done is to be called at its end.
func (f *inFlight) begin() (done func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	number := f.next
	f.began[number] = metrics.Monotonic()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.began, number)
	}
}

// oldest is when the oldest request began, in Monotonic nanoseconds; 0 = none is in flight.
func (f *inFlight) oldest() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var oldest int64
	for _, at := range f.began {
		if oldest == 0 || at < oldest {
			oldest = at
		}
	}
	return oldest
}
