// Package pace decides when requests are made. The one idea: in an open load, the time at which a request is due is
// known in advance, regardless of earlier requests, and its latency counts from then. A stall of the server thus counts
// for all requests that would have waited, not just for the one that did (coordinated omission).
package pace

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Worker makes requests, one at a time. Once makes request n (from 1), which was due at a
// given time, and returns when it is over or ctx ends.
type Worker interface {
	Once(ctx context.Context, n int64, due time.Time)
	Close()
}

// Plan determines when requests are made, and how many at once.
type Plan struct {
	Workers  int           // concurrent requests; at least 1
	Requests int64         // in total; 0 = no limit
	Duration time.Duration // how long requests are started; 0 = no limit
	Think    time.Duration // pause of a worker between two requests of a closed load
	// Rate makes the load open: this many requests are due per second, and are delayed only while all workers are busy.
	// 0 = a closed load: each worker makes its next request when the previous one has been answered.
	Rate float64
}

// Pace is how well a plan was followed.
type Pace struct {
	Begun int64         // requests
	Late  time.Duration // the greatest delay of a request after it was due; closed loads are never late
}

// Run makes the requests. hire creates a worker; all workers are closed at the end. It
// returns when the plan is done and every request is over, or when ctx has ended.
func (p Plan) Run(ctx context.Context, hire func() Worker) (Pace, error) {
	if p.Rate > 0 {
		return p.runOpen(ctx, hire)
	}
	return p.runClosed(ctx, hire), nil
}

func (p Plan) runClosed(ctx context.Context, hire func() Worker) Pace {
	until := ctx
	if p.Duration > 0 {
		bounded, cancel := context.WithTimeout(ctx, p.Duration)
		defer cancel()
		until = bounded
	}
	var begun atomic.Int64
	var workers sync.WaitGroup
	for range p.Workers {
		workers.Go(func() {
			w := hire()
			defer w.Close()
			for until.Err() == nil {
				n := begun.Add(1)
				if p.Requests > 0 && n > p.Requests {
					return
				}
				w.Once(ctx, n, time.Now())
				if !Sleep(until, p.Think) {
					return
				}
			}
		})
	}
	workers.Wait()
	n := begun.Load()
	if p.Requests > 0 {
		n = min(n, p.Requests) // each worker counted one too many
	}
	return Pace{Begun: n}
}

// Sleep waits, and reports whether the whole time passed before ctx ended.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
