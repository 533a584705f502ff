package pace

import (
	"context"
	"sync"
	"time"
)

// crew is the workers of an open load. The one that was busy last is used first, so that
// only as many workers, and connections, are in use as the load needs.
type crew struct {
	ctx  context.Context
	hire func() Worker
	most int
	back chan struct{} // a worker may be idle again

	mu    sync.Mutex
	idle  []*hand
	hired int
	late  time.Duration

	all sync.WaitGroup
}

// hand is a worker and its next request.
type hand struct{ next chan request }

type request struct {
	n   int64
	due time.Time
}

func (p Plan) runOpen(ctx context.Context, hire func() Worker) (Pace, error) {
	a, err := newAlarm()
	if err != nil {
		return Pace{}, err
	}
	defer a.close()
	defer a.cancelWith(ctx)()
	c := &crew{ctx: ctx, hire: hire, most: p.Workers, back: make(chan struct{}, 1)}
	began := time.Now()
	var n int64
	for ; p.Requests == 0 || n < p.Requests; n++ {
		due := time.Duration(float64(n) / p.Rate * float64(time.Second))
		if p.Duration > 0 && due >= p.Duration || !a.wait(ctx, began.Add(due)) {
			break
		}
		h := c.take()
		if h == nil {
			break
		}
		h.next <- request{n: n + 1, due: began.Add(due)}
	}
	return Pace{Begun: n, Late: c.dismiss()}, nil
}

// take returns an idle worker, and waits for one if necessary; nil after the end of ctx.
func (c *crew) take() *hand {
	for c.ctx.Err() == nil {
		c.mu.Lock()
		if last := len(c.idle) - 1; last >= 0 {
			h := c.idle[last]
			c.idle = c.idle[:last]
			c.mu.Unlock()
			return h
		}
		if c.hired < c.most {
			c.hired++
			c.mu.Unlock()
			h := &hand{next: make(chan request, 1)}
			c.all.Go(func() { c.work(h) })
			return h
		}
		c.mu.Unlock()
		select {
		case <-c.back:
		case <-c.ctx.Done():
		}
	}
	return nil
}

// work makes the requests that a worker is given.
func (c *crew) work(h *hand) {
	w := c.hire()
	defer w.Close()
	for r := range h.next {
		late := time.Since(r.due)
		w.Once(c.ctx, r.n, r.due)
		c.mu.Lock()
		c.late = max(c.late, late)
		c.idle = append(c.idle, h)
		c.mu.Unlock()
		select {
		case c.back <- struct{}{}:
		default:
		}
	}
}

// dismiss waits until every request is over, ends the workers, and returns the greatest delay of a request.
func (c *crew) dismiss() time.Duration {
	for home := 0; home < c.hired; {
		c.mu.Lock()
		gone := c.idle
		c.idle = nil
		c.mu.Unlock()
		for _, h := range gone {
			close(h.next)
		}
		if home += len(gone); home < c.hired {
			<-c.back
		}
	}
	c.all.Wait()
	return c.late
}
