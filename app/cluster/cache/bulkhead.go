package cache

import (
	"context"
	"sync/atomic"
	"time"
)

// slowAfter is how many questions in a row are late before nobody waits any more.
const slowAfter = 5

// bulkhead is what there is to asking Redis without waiting for it for long. Questions go on
// in the background when they are late, bounded in number. Redis is slow after several
// late ones in a row, until one was in time.
type bulkhead struct {
	wait   time.Duration
	slots  chan struct{} // one in it for each question under way
	onSlow func()        // called when Redis has become slow; must not block

	slow            atomic.Bool
	consecutiveLate atomic.Int32
	late            atomic.Uint64
}

// start asks, by running f in the background. The channel closes when f has returned; it is
// nil where too many questions are under way already.
func (a *bulkhead) start(f func()) <-chan struct{} {
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
			a.consecutiveLate.Store(0)
			a.slow.Store(false)
		}
	}()
	return done
}

func (a *bulkhead) markLate() {
	a.late.Add(1)
	if a.consecutiveLate.Add(1) >= slowAfter && !a.slow.Swap(true) {
		a.onSlow()
	}
}

// await waits for an answer as long as one may, and reports whether it is there.
func (a *bulkhead) await(ctx context.Context, done <-chan struct{}) bool {
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
