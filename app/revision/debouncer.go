package revision

import (
	"context"
	"sync"
	"time"
)

// DebouncerOptions bound a Debouncer.
type DebouncerOptions[K comparable] struct {
	MaxPending int           // keys that wait; one more and NotifyAll takes their place
	Interval   time.Duration // after what was waiting has been said, before the next is
	Notify     func(K)
	NotifyAll  func()
}

// Debouncer passes on, behind the back of whoever tells it, which keys something has
// happened to. A key told many times while it waits is said once.
type Debouncer[K comparable] struct {
	o    DebouncerOptions[K]
	wake chan struct{} // holds one while something waits

	mu      sync.Mutex // guards what follows
	pending map[K]struct{}
	all     bool
}

// NewDebouncer makes a Debouncer. It starts nothing: what is told waits for Run.
func NewDebouncer[K comparable](o DebouncerOptions[K]) *Debouncer[K] {
	return &Debouncer[K]{o: o, wake: make(chan struct{}, 1), pending: make(map[K]struct{})}
}

// Add never blocks.
func (h *Debouncer[K]) Add(key K) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all {
		return
	}
	h.pending[key] = struct{}{}
	if len(h.pending) > h.o.MaxPending {
		h.all = true
	}
	h.signal()
}

// AddAll tells every key.
func (h *Debouncer[K]) AddAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = true
	h.signal()
}

func (h *Debouncer[K]) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run says what it is told until ctx ends, and then what still waits. One Run a Debouncer.
func (h *Debouncer[K]) Run(ctx context.Context) error {
	for {
		select {
		case <-h.wake:
			h.Flush()
		case <-ctx.Done():
			h.Flush()
			return nil
		}
		h.pause(ctx)
	}
}

// Flush says at once what waits, on the caller's goroutine. Run does so at its end; it is
// for those who cannot say anything any more by then.
func (h *Debouncer[K]) Flush() {
	waiting, all := h.takePending()
	if all {
		h.o.NotifyAll()
		return
	}
	for key := range waiting {
		h.o.Notify(key)
	}
}

func (h *Debouncer[K]) takePending() (waiting map[K]struct{}, all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting, all = h.pending, h.all
	h.pending, h.all = make(map[K]struct{}), false
	return waiting, all
}

func (h *Debouncer[K]) pause(ctx context.Context) {
	if h.o.Interval <= 0 {
		return
	}
	timer := time.NewTimer(h.o.Interval)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
