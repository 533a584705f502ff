package revision

import (
	"context"
	"sync"
	"time"
)

// HeraldOptions bound a Herald.
type HeraldOptions[K comparable] struct {
	Most   int           // keys that wait; one more and SayAll takes their place
	Rest   time.Duration // after what was waiting has been said, before the next is
	Say    func(K)
	SayAll func()
}

// Herald passes on, behind the back of whoever tells it, which keys something has
// happened to. A key told many times while it waits is said once.
type Herald[K comparable] struct {
	o    HeraldOptions[K]
	wake chan struct{} // holds one while something waits

	mu      sync.Mutex // guards what follows
	waiting map[K]struct{}
	all     bool
}

// NewHerald makes a Herald. It starts nothing: what is told waits for Run.
func NewHerald[K comparable](o HeraldOptions[K]) *Herald[K] {
	return &Herald[K]{o: o, wake: make(chan struct{}, 1), waiting: make(map[K]struct{})}
}

// Tell never blocks.
func (h *Herald[K]) Tell(key K) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all {
		return
	}
	h.waiting[key] = struct{}{}
	if len(h.waiting) > h.o.Most {
		h.all = true
	}
	h.rouse()
}

// TellAll tells every key.
func (h *Herald[K]) TellAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = true
	h.rouse()
}

func (h *Herald[K]) rouse() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run says what it is told until ctx ends, and then what still waits. One Run a Herald.
func (h *Herald[K]) Run(ctx context.Context) error {
	for {
		select {
		case <-h.wake:
			h.Flush()
		case <-ctx.Done():
			h.Flush()
			return nil
		}
		h.rest(ctx)
	}
}

// Flush says at once what waits, on the caller's goroutine. Run does so at its end; it is
// for those who cannot say anything any more by then.
func (h *Herald[K]) Flush() {
	waiting, all := h.take()
	if all {
		h.o.SayAll()
		return
	}
	for key := range waiting {
		h.o.Say(key)
	}
}

func (h *Herald[K]) take() (waiting map[K]struct{}, all bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	waiting, all = h.waiting, h.all
	h.waiting, h.all = make(map[K]struct{}), false
	return waiting, all
}

func (h *Herald[K]) rest(ctx context.Context) {
	if h.o.Rest <= 0 {
		return
	}
	timer := time.NewTimer(h.o.Rest)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
