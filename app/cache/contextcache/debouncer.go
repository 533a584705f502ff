package contextcache

import (
	"context"
	"sync"
	"time"
)

// DebouncerOptions configure a Debouncer.
type DebouncerOptions[K comparable] struct {
	MaxPending int           // keys; beyond this number, NotifyAll is called instead
	Interval   time.Duration // between two rounds of calls
	Notify     func(K)
	NotifyAll  func()
}

// Debouncer calls Notify in the background for each added key. A key that is added several times between two rounds
// causes one call.
type Debouncer[K comparable] struct {
	o    DebouncerOptions[K]
	wake chan struct{} // 1: something is pending

	mu      sync.Mutex // guards what follows
	pending map[K]struct{}
	all     bool
}

// NewDebouncer makes a Debouncer. Run must be called for it to work.
func NewDebouncer[K comparable](o DebouncerOptions[K]) *Debouncer[K] {
	return &Debouncer[K]{o: o, wake: make(chan struct{}, 1), pending: make(map[K]struct{})}
}

// Add schedules a call for key. It never blocks.
func (d *Debouncer[K]) Add(key K) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all {
		return
	}
	d.pending[key] = struct{}{}
	d.all = len(d.pending) > d.o.MaxPending
	d.signal()
}

// AddAll schedules a call of NotifyAll.
func (d *Debouncer[K]) AddAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = true
	d.signal()
}

func (d *Debouncer[K]) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run makes the calls until ctx ends, then the pending ones. It must be called only once.
func (d *Debouncer[K]) Run(ctx context.Context) error {
	for {
		select {
		case <-d.wake:
			d.Flush()
		case <-ctx.Done():
			d.Flush()
			return nil
		}
		select {
		case <-time.After(d.o.Interval):
		case <-ctx.Done():
		}
	}
}

// Flush makes the pending calls on the caller's goroutine. It is for cases in which Notify no longer works after Run
// has ended.
func (d *Debouncer[K]) Flush() {
	d.mu.Lock()
	pending, all := d.pending, d.all
	d.pending, d.all = make(map[K]struct{}), false
	d.mu.Unlock()
	if all {
		d.o.NotifyAll()
		return
	}
	for key := range pending {
		d.o.Notify(key)
	}
}
