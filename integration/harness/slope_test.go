package harness

import (
	"math"
	"math/rand/v2"
	"testing"
)

// synthetic returns a curve that grows by perMinute bytes a minute, with a saw-tooth and autocorrelated noise (AR(1),
// 0.9) of 2 MB in total.
func synthetic(seconds int, perMinute float64, noise *rand.Rand) []moment {
	var wander float64
	moments := make([]moment, 10*seconds)
	for i := range moments {
		at := float64(i) / 10
		held := 40e6 + perMinute*at/60
		if noise != nil {
			wander = 0.9*wander + 100e3*noise.NormFloat64()
			held += wander + 1e6*math.Mod(at, 1.7)/1.7
		}
		moments[i] = moment{At: at, Held: int64(math.Round(held)) + 15e6, Anon: int64(math.Round(held)), Kernel: 2e6}
	}
	return moments
}

func TestALeakIsFoundAndNoLeakIsNot(t *testing.T) {
	const runs = 400
	noise := rand.New(rand.NewPCG(7, 7))
	for _, row := range []struct {
		name      string
		seconds   int
		perMinute float64
		least     float64 // share of the runs in which growth is found
		most      float64
	}{
		{"a minute, no leak", 60, 0, 0, 0.05}, // one-sided, the interval allows 2.5 %
		{"a minute, shrinking", 60, -1e6, 0, 0.01},
		{"a minute, 1 MB/min", 60, 1e6, 0.99, 1},
		{"ten minutes, no leak", 600, 0, 0, 0.05},
		{"ten minutes, 50 kB/min", 600, 50e3, 0.95, 1},
	} {
		found, covered := 0, 0
		for range runs {
			s := SlopeOf(synthetic(row.seconds, row.perMinute, noise))
			if s.Above(SlopeBound) {
				found++
			}
			if s.Low <= row.perMinute && row.perMinute <= s.High {
				covered++
			}
		}
		if share := float64(found) / runs; share < row.least || share > row.most {
			t.Errorf("%s: found in %.1f %% of the runs", row.name, 100*share)
		}
		if share := float64(covered) / runs; share < 0.92 {
			t.Errorf("%s: the interval of 95 %% holds the truth in %.1f %% of the runs", row.name, 100*share)
		}
	}
}

func TestTheBoundOfASlopeIsExact(t *testing.T) {
	if s := SlopeOf(synthetic(600, SlopeBound-1, nil)); s.Above(SlopeBound) {
		t.Errorf("a curve at the bound is above it: %v", s)
	}
	if s := SlopeOf(synthetic(600, SlopeBound+1000, nil)); !s.Above(SlopeBound) {
		t.Errorf("a curve beyond the bound is not: %v", s)
	}
	if s := SlopeOf(synthetic(60, 0, nil)); s.PerMinute != 0 || s.Low != 0 || s.High != 0 {
		t.Errorf("what does not change grows by %v", s)
	}
}
