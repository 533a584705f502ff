package cache

import (
	"context"
	"sync/atomic"
	"time"
)

// slowAfter is how many consecutive late calls make Redis count as slow.
const slowAfter = 5

// bulkhead limits the waiting time and the number of concurrent calls to Redis. A late call continues in the
// background. After slowAfter consecutive late calls Redis counts as slow, until a call is in time again.
type bulkhead struct {
	wait   time.Duration
	slots  chan struct{} // holds one element for each running call
	onSlow func()        // called when Redis becomes slow; must not block

	slow            atomic.Bool
	consecutiveLate atomic.Int32
	late            atomic.Uint64
}

// start runs f in the background. The channel closes when f has returned; it is nil if too many calls are running
// already.
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

// await waits for done for at most a.wait, and reports whether it closed.
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
