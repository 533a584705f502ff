package cache

import (
	"context"
	"sync/atomic"
	"time"
)

// slowAfter is how many questions in a row are late before nobody waits any more.
const slowAfter = 5

// asking is what there is to asking Redis without waiting for it for long. Questions go on
// in the background when they are late, bounded in number. Redis is slow after several
// late ones in a row, until one was in time.
type asking struct {
	wait   time.Duration
	slots  chan struct{} // one in it for each question under way
	slowed func()        // called when Redis has become slow; must not block

	slow   atomic.Bool
	inARow atomic.Int32
	late   atomic.Uint64
}

// begin asks, by running f in the background. The channel closes when f has returned; it is
// nil where too many questions are under way already.
func (a *asking) begin(f func()) <-chan struct{} {
	select {
	case a.slots <- struct{}{}:
	default:
		return nil
	}
	done := make(chan struct{})
	late := time.AfterFunc(a.wait, a.markLate)
	go func() {
		defer func() { <-a.slots; close(done) }()
		f()
		if late.Stop() {
			a.inARow.Store(0)
			a.slow.Store(false)
		}
	}()
	return done
}

func (a *asking) markLate() {
	a.late.Add(1)
	if a.inARow.Add(1) >= slowAfter && !a.slow.Swap(true) {
		a.slowed()
	}
}

// await waits for an answer as long as one may, and reports whether it is there.
func (a *asking) await(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
	}
	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
