package openai

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// tell makes calls with these outcomes; it fails if the breaker refuses one.
func tell(t *testing.T, b *breaker, verdicts ...health) {
	t.Helper()
	for i, v := range verdicts {
		pass, no := b.acquire(time.Now())
		if pass == nil {
			t.Fatalf("call %d has to wait %v", i+1, no.wait)
		}
		pass.report(v, 0)
	}
}

func TestBreakerOpensAtItsBoundsAndNotOneBefore(t *testing.T) {
	half := slices.Repeat([]health{healthy, unhealthy}, tripWindow/2)
	for name, test := range map[string]struct {
		calls []health
		open  bool
	}{
		"four in a row":              {[]health{unhealthy, unhealthy, unhealthy, unhealthy}, false},
		"five in a row":              {[]health{unhealthy, unhealthy, unhealthy, unhealthy, unhealthy}, true},
		"five, one answer within":    {[]health{unhealthy, unhealthy, unhealthy, unhealthy, healthy, unhealthy}, false},
		"five, one unsure within":    {[]health{unhealthy, unhealthy, unknown, unhealthy, unhealthy, unhealthy}, true},
		"half of nineteen":           {half[1:], false},
		"half of twenty":             {half, true},
		"nine of twenty":             {append([]health{healthy, healthy}, half[2:]...), false},
		"ten of twenty, late":        {append(slices.Repeat([]health{healthy}, 99), half[1:]...), true},
		"failures beyond the twenty": {append([]health{unhealthy, unhealthy, unhealthy, unhealthy}, slices.Repeat([]health{healthy, healthy, unhealthy}, 9)...), false},
	} {
		var b breaker
		tell(t, &b, test.calls...)
		if b.openAt(time.Now()) != test.open {
			t.Errorf("%s: open is %v", name, !test.open)
		}
	}
}

// trippedBreaker returns a breaker that has just opened.
func trippedBreaker(t *testing.T) *breaker {
	t.Helper()
	b := &breaker{}
	tell(t, b, unhealthy, unhealthy, unhealthy, unhealthy, unhealthy)
	return b
}

func TestOpenBreakerLetsOneCallProbeAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := trippedBreaker(t)
		if pass, no := b.acquire(time.Now()); pass != nil || no.limited || no.wait <= openFor-openJitter || no.wait > openFor {
			t.Fatalf("an open breaker: pass %v, %+v", pass, no)
		}
		time.Sleep(openFor)
		var passed atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if pass, _ := b.acquire(time.Now()); pass != nil {
					passed.Add(1)
				}
			})
		}
		all.Wait()
		if n := passed.Load(); n != 1 {
			t.Errorf("%d calls probe, want 1", n)
		}
	})
}

func TestProbeThatHangsIsJoinedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := trippedBreaker(t)
		time.Sleep(openFor)
		hangs, _ := b.acquire(time.Now())
		time.Sleep(openFor)
		second, _ := b.acquire(time.Now())
		if third, _ := b.acquire(time.Now()); hangs == nil || second == nil || third != nil {
			t.Fatalf("probes are %v, %v, %v", hangs, second, third)
		}
		hangs.report(unhealthy, 0)
		second.report(healthy, 0)
		if b.openAt(time.Now()) {
			t.Error("the second probe went well for nothing")
		}
	})
}

func TestProbeDecides(t *testing.T) {
	for v, want := range map[health]struct{ open, refuses bool }{healthy: {false, false}, unhealthy: {true, true}, unknown: {true, false}} {
		synctest.Test(t, func(t *testing.T) {
			b := trippedBreaker(t)
			time.Sleep(openFor)
			tell(t, b, v)
			if now := time.Now(); b.openAt(now) != want.open || b.blockedAt(now) != want.refuses {
				t.Errorf("verdict %d: open %v, refuses %v", v, b.openAt(now), b.blockedAt(now))
			}
			if v == healthy {
				tell(t, b, unhealthy, unhealthy, unhealthy, unhealthy) // the counters were reset
			}
		})
	}
}

func TestCallsBegunBeforeABreakerChangedSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker{}
		late, _ := b.acquire(time.Now())
		tell(t, b, unhealthy, unhealthy, unhealthy, unhealthy, unhealthy)
		time.Sleep(openFor)
		probe, _ := b.acquire(time.Now())
		late.report(healthy, 0)
		if !b.blockedAt(time.Now()) {
			t.Error("an old call ended the probe")
		}
		probe.report(healthy, 0)
		probe.report(unhealthy, 0)
		if b.openAt(time.Now()) {
			t.Error("a call counts twice")
		}
	})
}

func TestRateLimitedModelIsLeftAloneAsLongAsItAsked(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{time.Second: time.Second, maxPause: maxPause, maxPause + time.Second: maxPause} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker{}
			pass, _ := b.acquire(time.Now())
			pass.report(unknown, asked)
			if _, no := b.acquire(time.Now()); no.wait != asked || !no.limited {
				t.Errorf("asked %v, says %+v", asked, no)
			}
			if time.Sleep(want - time.Nanosecond); !b.blockedAt(time.Now()) {
				t.Errorf("asked %v, a call is allowed too soon", asked)
			}
			time.Sleep(time.Nanosecond)
			tell(t, b, healthy)
			if pass, _ := b.acquire(time.Now()); pass == nil { // needs no probe: all calls are allowed
				t.Error("still refused")
			}
		})
	}
}
