package pace

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/testkit"
)

func TestAConstantRateIsEven(t *testing.T) {
	s, err := NewSchedule(Stage{200, 200, 10 * time.Second})
	if err != nil || s.Requests() != 2000 {
		t.Fatalf("%v, %d requests", err, s.Requests())
	}
	for n := range int64(2000) {
		due, ok := s.Due(n)
		if want := time.Duration(n) * 5 * time.Millisecond; !ok || (due-want).Abs() > time.Microsecond {
			t.Fatalf("request %d is due at %v, want %v", n, due, want)
		}
	}
	if due, ok := s.Due(2000); ok {
		t.Errorf("one past the last is due at %v", due)
	}
}

func TestStagesFollowOneAnother(t *testing.T) {
	s, err := ParseStages("10:30s, 10-100:60s,0:5s,100:1s")
	if err != nil {
		t.Fatal(err)
	}
	if s.Requests() != 300+3300+100 || s.Length() != 96*time.Second {
		t.Errorf("%d requests in %v", s.Requests(), s.Length())
	}
	for n, want := range map[int64]float64{0: 0, 299: 29.9, 300: 30, 3600: 95, 3699: 95.99} {
		if due, ok := s.Due(n); !ok || math.Abs(due.Seconds()-want) > 0.001 {
			t.Errorf("request %d is due at %v, want %v s", n, due, want)
		}
	}
	// In the middle of the ramp, 30 s in, the rate is 55: (10+55)/2*30 = 975 are due.
	if due, _ := s.Due(300 + 975); math.Abs(due.Seconds()-60) > 0.001 {
		t.Errorf("the ramp's middle is at %v", due)
	}
	last := time.Duration(-1)
	for n := range s.Requests() {
		due, ok := s.Due(n)
		if !ok || due < last {
			t.Fatalf("request %d is due at %v behind %v, %v", n, due, last, ok)
		}
		last = due
	}
}

func TestRampsDownAndFromNothing(t *testing.T) {
	for text, want := range map[string]int64{"100-0:10s": 500, "0-100:10s": 500, "0.5:10s": 5, "1:1s": 1} {
		s, err := ParseStages(text)
		if err != nil || s.Requests() != want {
			t.Errorf("%s: %v, %d requests, want %d", text, err, s.Requests(), want)
			continue
		}
		if due, ok := s.Due(want - 1); !ok || due > s.Length() {
			t.Errorf("%s: the last is due at %v, %v", text, due, ok)
		}
		if _, ok := s.Due(want); ok {
			t.Errorf("%s: one past the last is due", text)
		}
	}
}

func TestWrongStagesAreRefused(t *testing.T) {
	for _, text := range []string{"", "10", "10:", ":10s", "x:10s", "10:x", "10:10", "-1:10s", "10--1:5s", "1000001:1s", "10-1000001:1s", "NaN:1s",
		"Inf:1s", "10:0s", "10:-1s", "10:25h", "10:24h,10:1s", "0:10s", "10:1s,", "1:1ns"} {
		if _, err := ParseStages(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, err := NewSchedule(make([]Stage, MaxStages+1)...); err == nil {
		t.Error("one stage too many is taken")
	}
}

// FuzzStages checks that every schedule that is accepted never runs backwards.
func FuzzStages(f *testing.F) {
	f.Add("10:30s,100:60s")
	f.Add("0-1:1h")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStages(text)
		if err != nil {
			return
		}
		n := s.Requests()
		for _, at := range []int64{0, n / 3, n / 2, n - 1} {
			due, ok := s.Due(at)
			next, more := s.Due(at + 1)
			if !ok || due < 0 || due > s.Length() || more && next < due {
				t.Fatalf("%q: request %d of %d at %v, %v; then %v", text, at, n, due, ok, next)
			}
		}
	})
}

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

func open(t *testing.T, stages string) *Schedule {
	t.Helper()
	s, err := ParseStages(stages)
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestAnOpenLoadDoesNotWaitForAnswers(t *testing.T) {
	var closed atomic.Int64
	var mu sync.Mutex
	var dues []time.Time
	release := make(chan struct{})
	p := Plan{Workers: 100, Schedule: open(t, "500:100ms")}
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
	p := Plan{Workers: 1, Schedule: open(t, "1000:200ms")}
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
	p := Plan{Workers: 100, Schedule: open(t, "20:1s")}
	if _, err := p.Run(t.Context(), func() Worker { return job{func(int64, time.Time) {}, &closed} }); err != nil {
		t.Fatal(err)
	}
	if closed.Load() > 10 { // one, unless the machine stalls; a worker for each request would be twenty
		t.Errorf("%d workers for requests that take no time", closed.Load())
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	for name, p := range map[string]Plan{"closed": {Workers: 3}, "thinking": {Workers: 3, Think: time.Hour},
		"open": {Workers: 3, Schedule: open(t, "0.001:1h")}, "open and busy": {Workers: 1, Schedule: open(t, "1000:1h")}} {
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
		p.Workers, p.Schedule = 10, open(t, "1000:1h")
		pace, err := p.Run(t.Context(), func() Worker { return job{func(int64, time.Time) {}, &closed} })
		if err != nil || pace.Begun != 5 {
			t.Errorf("%s: %v, %s", name, err, fmt.Sprint(pace))
		}
	}
}
