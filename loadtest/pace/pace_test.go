package pace

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/testkit"
)

// job is a Worker that does something and counts.
type job struct {
	do     func(n int64, due time.Time)
	closed *atomic.Int64
}

func (j job) Once(_ context.Context, n int64, due time.Time) { j.do(n, due) }
func (j job) Close()                                         { j.closed.Add(1) }

func TestAClosedLoadMakesAsManyRequestsAsItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed, now, most atomic.Int64
		seen := make([]atomic.Int64, 101)
		p := Plan{Workers: 7, Requests: 100, Think: time.Second}
		pace, err := p.Run(t.Context(), func() Worker {
			return job{func(n int64, _ time.Time) {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Millisecond)
				now.Add(-1)
				seen[n].Add(1)
			}, &closed}
		})
		for n := range 100 {
			if seen[n+1].Load() != 1 {
				t.Errorf("request %d was made %d times", n+1, seen[n+1].Load())
			}
		}
		if err != nil || pace.Begun != 100 || closed.Load() != 7 || most.Load() > 7 {
			t.Errorf("%v, %+v, %d closed, %d at once", err, pace, closed.Load(), most.Load())
		}
	})
}

func TestAClosedLoadEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Int64
		began := time.Now()
		p := Plan{Workers: 2, Duration: 10 * time.Second, Think: 800 * time.Millisecond}
		pace, _ := p.Run(t.Context(), func() Worker {
			return job{func(int64, time.Time) { time.Sleep(100 * time.Millisecond) }, &closed}
		})
		if took := time.Since(began); pace.Begun != 24 || took != 10*time.Second {
			t.Errorf("%d requests in %v", pace.Begun, took)
		}
	})
}

func TestAConstantRateIsEven(t *testing.T) {
	var closed atomic.Int64
	var dues []time.Time
	p := Plan{Workers: 1, Rate: 200, Duration: 250 * time.Millisecond}
	pace, err := p.Run(t.Context(), func() Worker {
		return job{func(_ int64, due time.Time) { dues = append(dues, due) }, &closed}
	})
	if err != nil || pace.Begun != 50 || len(dues) != 50 {
		t.Fatalf("%v, %+v, %d due", err, pace, len(dues))
	}
	for n, due := range dues {
		if late := due.Sub(dues[0]) - time.Duration(n)*5*time.Millisecond; late.Abs() > time.Microsecond {
			t.Errorf("request %d is due %v after its time", n+1, late)
		}
	}
}

func TestAnOpenLoadDoesNotWaitForAnswers(t *testing.T) {
	var closed atomic.Int64
	var mu sync.Mutex
	var dues []time.Time
	release := make(chan struct{})
	p := Plan{Workers: 100, Rate: 500, Duration: 100 * time.Millisecond}
	pace, err := p.Run(t.Context(), func() Worker {
		return job{func(_ int64, due time.Time) {
			mu.Lock()
			dues = append(dues, due)
			if len(dues) == 50 {
				close(release) // no request was answered before all had been made
			}
			mu.Unlock()
			<-release
		}, &closed}
	})
	if err != nil || pace.Begun != 50 || closed.Load() != 50 {
		t.Errorf("%v, %+v, %d workers", err, pace, closed.Load())
	}
}

func TestAStallIsChargedToAllWhoWouldHaveWaited(t *testing.T) {
	var closed atomic.Int64
	var long atomic.Int64
	p := Plan{Workers: 1, Rate: 1000, Duration: 200 * time.Millisecond}
	pace, err := p.Run(t.Context(), func() Worker {
		return job{func(n int64, due time.Time) {
			if n == 1 {
				testkit.Pause(150 * time.Millisecond) // the server's stall
			}
			if time.Since(due) > 40*time.Millisecond {
				long.Add(1)
			}
		}, &closed}
	})
	// Requests due in the first 110 ms of the stall were at least 40 ms late: not one, but a hundred.
	if err != nil || pace.Begun != 200 || long.Load() < 100 || pace.Late < 100*time.Millisecond {
		t.Errorf("%v, %+v, %d requests took long", err, pace, long.Load())
	}
}

func TestAnOpenLoadUsesNoMoreWorkersThanItNeeds(t *testing.T) {
	var closed atomic.Int64
	p := Plan{Workers: 100, Rate: 20, Duration: time.Second}
	if _, err := p.Run(t.Context(), func() Worker { return job{func(int64, time.Time) {}, &closed} }); err != nil {
		t.Fatal(err)
	}
	if closed.Load() > 10 { // one, unless the machine stalls; a worker for each request would be twenty
		t.Errorf("%d workers for requests that take no time", closed.Load())
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	for name, p := range map[string]Plan{"closed": {Workers: 3}, "thinking": {Workers: 3, Think: time.Hour},
		"open": {Workers: 3, Rate: 0.001}, "open and busy": {Workers: 1, Rate: 1000}} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var closed atomic.Int64
			_, err := p.Run(ctx, func() Worker { return waiting{ctx, cancel, &closed} })
			if err != nil || closed.Load() == 0 {
				t.Errorf("%v, %d closed", err, closed.Load())
			}
		})
	}
}

// waiting is a worker whose first request ends the run.
type waiting struct {
	ctx    context.Context
	cancel func()
	closed *atomic.Int64
}

func (w waiting) Once(context.Context, int64, time.Time) { w.cancel(); <-w.ctx.Done() }
func (w waiting) Close()                                 { w.closed.Add(1) }

func TestNumbersBoundAnOpenLoadToo(t *testing.T) {
	for name, p := range map[string]Plan{"requests": {Requests: 5}, "duration": {Duration: 5 * time.Millisecond}} {
		var closed atomic.Int64
		p.Workers, p.Rate = 10, 1000
		pace, err := p.Run(t.Context(), func() Worker { return job{func(int64, time.Time) {}, &closed} })
		if err != nil || pace.Begun != 5 {
			t.Errorf("%s: %v, %s", name, err, fmt.Sprint(pace))
		}
	}
}
