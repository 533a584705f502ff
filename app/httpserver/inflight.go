package httpserver

import (
	"sync"

	"studysharper/app/metrics"
)

// inFlight tracks the requests being answered, so that one that never ends is detected.
type inFlight struct {
	mu    sync.Mutex
	began map[uint64]int64 // Monotonic nanoseconds, by a request's number
	next  uint64
}

func newInFlight() *inFlight { return &inFlight{began: map[uint64]int64{}} }

// begin registers a request; its number is the argument for end.
func (f *inFlight) begin() (number uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	f.began[f.next] = metrics.Monotonic()
	return f.next
}

// end unregisters a request that has been answered, or that waits for its client.
func (f *inFlight) end(number uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.began, number)
}

// resume registers a request again that waited for its client.
func (f *inFlight) resume(number uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began[number] = metrics.Monotonic()
}

// oldest returns when the oldest request began, in Monotonic nanoseconds; 0 = none is in flight.
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
