package harness

import (
	"testing"
)

func TestACurveIsKeptWholeAndBounded(t *testing.T) {
	const top = 77_777
	var c curve
	for i := range 10 * mostMoments {
		m := moment{At: float64(i), Held: 1000}
		if i == top {
			m.Held = 2000
		}
		c.add(m)
		if i == mostMoments-2 && len(c.Moments) != mostMoments-1 {
			t.Errorf("of %d readings %d are kept", i+1, len(c.Moments))
		}
	}
	highest := 0
	for i, m := range c.Moments {
		if i > 0 && m.At <= c.Moments[i-1].At {
			t.Fatalf("moment %d is at %v after %v", i, m.At, c.Moments[i-1].At)
		}
		if m.Held == 2000 && m.At == top {
			highest++
		}
	}
	if n := len(c.Moments); n > mostMoments || n < mostMoments/2 || highest != 1 {
		t.Errorf("%d moments are kept, the highest %d times", n, highest)
	}
}

func TestASamplerKeepsTheCurveAndThePeakBetweenTwoReadings(t *testing.T) {
	const enough = 5
	var n int64
	reached := make(chan struct{})
	s := sampling(func() (Reading, error) {
		if n++; n == enough {
			close(reached)
		}
		r := Reading{usage: 100 + n, inactiveFile: 10, anon: 20, kernel: 5, Peak: 150}
		if n >= 3 {
			r.Peak = 400
		}
		return r, nil
	})
	<-reached
	highest, last := s.End(t)
	if highest != 390 || s.Peak != last.Held() || last.usage != 100+n || len(s.Curve.Moments) != int(n) {
		t.Errorf("at most %d, sampled %d, the last %+v of %d readings, %d moments", highest, s.Peak, last, n, len(s.Curve.Moments))
	}
	if first := s.Curve.Moments[0]; first.Held != 91 || first.Anon != 20 || first.Kernel != 5 {
		t.Errorf("the first is %+v", first)
	}
}
