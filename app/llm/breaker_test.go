package llm

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// tell lets a call go and says how it came out; it fails where the call may not go.
func tell(t *testing.T, b *breaker, verdicts ...verdict) {
	t.Helper()
	for i, v := range verdicts {
		pass, no := b.admit(time.Now())
		if pass == nil {
			t.Fatalf("call %d has to wait %v", i+1, no.wait)
		}
		pass.tell(v, 0)
	}
}

func TestBreakerOpensAtItsBoundsAndNotOneBefore(t *testing.T) {
	half := slices.Repeat([]verdict{well, ill}, tripWindow/2)
	for name, test := range map[string]struct {
		calls []verdict
		open  bool
	}{
		"four in a row":              {[]verdict{ill, ill, ill, ill}, false},
		"five in a row":              {[]verdict{ill, ill, ill, ill, ill}, true},
		"five, one answer within":    {[]verdict{ill, ill, ill, ill, well, ill}, false},
		"five, one unsure within":    {[]verdict{ill, ill, unsure, ill, ill, ill}, true},
		"half of nineteen":           {half[1:], false},
		"half of twenty":             {half, true},
		"nine of twenty":             {append([]verdict{well, well}, half[2:]...), false},
		"ten of twenty, late":        {append(slices.Repeat([]verdict{well}, 99), half[1:]...), true},
		"failures beyond the twenty": {append([]verdict{ill, ill, ill, ill}, slices.Repeat([]verdict{well, well, ill}, 9)...), false},
	} {
		var b breaker
		tell(t, &b, test.calls...)
		if b.open(time.Now()) != test.open {
			t.Errorf("%s: open is %v", name, !test.open)
		}
	}
}

// trippedBreaker is one that has just opened.
func trippedBreaker(t *testing.T) *breaker {
	t.Helper()
	b := &breaker{}
	tell(t, b, ill, ill, ill, ill, ill)
	return b
}

func TestOpenBreakerLetsOneCallProbeAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := trippedBreaker(t)
		if pass, no := b.admit(time.Now()); pass != nil || no.limited || no.wait <= openFor-openJitter || no.wait > openFor {
			t.Fatalf("an open breaker: pass %v, %+v", pass, no)
		}
		time.Sleep(openFor)
		var passed atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if pass, _ := b.admit(time.Now()); pass != nil {
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
		hangs, _ := b.admit(time.Now())
		time.Sleep(openFor)
		second, _ := b.admit(time.Now())
		if third, _ := b.admit(time.Now()); hangs == nil || second == nil || third != nil {
			t.Fatalf("probes are %v, %v, %v", hangs, second, third)
		}
		hangs.tell(ill, 0)
		second.tell(well, 0)
		if b.open(time.Now()) {
			t.Error("the second probe went well for nothing")
		}
	})
}

func TestProbeDecides(t *testing.T) {
	for v, want := range map[verdict]struct{ open, refuses bool }{well: {false, false}, ill: {true, true}, unsure: {true, false}} {
		synctest.Test(t, func(t *testing.T) {
			b := trippedBreaker(t)
			time.Sleep(openFor)
			tell(t, b, v)
			if now := time.Now(); b.open(now) != want.open || b.refuses(now) != want.refuses {
				t.Errorf("verdict %d: open %v, refuses %v", v, b.open(now), b.refuses(now))
			}
			if v == well {
				tell(t, b, ill, ill, ill, ill) // it has forgotten what was
			}
		})
	}
}

func TestCallsBegunBeforeABreakerChangedSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker{}
		late, _ := b.admit(time.Now())
		tell(t, b, ill, ill, ill, ill, ill)
		time.Sleep(openFor)
		probe, _ := b.admit(time.Now())
		late.tell(well, 0)
		if !b.refuses(time.Now()) {
			t.Error("an old call ended the probe")
		}
		probe.tell(well, 0)
		probe.tell(ill, 0)
		if b.open(time.Now()) {
			t.Error("a call counts twice")
		}
	})
}

func TestRateLimitedModelIsLeftAloneAsLongAsItAsked(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{time.Second: time.Second, maxRest: maxRest, maxRest + time.Second: maxRest} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker{}
			pass, _ := b.admit(time.Now())
			pass.tell(unsure, asked)
			if _, no := b.admit(time.Now()); no.wait != asked || !no.limited {
				t.Errorf("asked %v, says %+v", asked, no)
			}
			if time.Sleep(want - 1); !b.refuses(time.Now()) {
				t.Errorf("asked %v, a call goes too soon", asked)
			}
			time.Sleep(1)
			tell(t, b, well)
			if pass, _ := b.admit(time.Now()); pass == nil { // needs no probe: all may go
				t.Error("still refused")
			}
		})
	}
}
