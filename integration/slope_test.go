package integration

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

const (
	// slopeBlocks is how many means a curve is boiled down to. Readings 100 ms apart are not independent: the garbage
	// collector's saw-tooth runs through dozens of them, and least squares over all would take them for as many
	// witnesses and be surer than it may. The mean of a twentieth of the curve has the saw-tooth behind it, and twenty
	// of them leave degrees of freedom enough (batch means).
	slopeBlocks = 20
	// slopeQuantile is Student's t for 95 % and slopeBlocks-2 degrees of freedom.
	slopeQuantile = 2.101
)

// slope is how fast something grew, in bytes a minute, and the interval that holds the true figure with 95 %.
type slope struct {
	PerMinute float64 `json:"bytes_per_minute"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
}

// above reports whether the growth is significantly above a bound: even the interval's lower end is.
func (s slope) above(bound float64) bool { return s.Low > bound }

func (s slope) String() string {
	return fmt.Sprintf("%.0f kB/min (%.0f to %.0f)", s.PerMinute/1e3, s.Low/1e3, s.High/1e3)
}

// slopeOf fits a line to the anonymous memory, by least squares. That is what a leak of the program would be in. The rest
// of what is held grows with the database's file and is had back whenever it is wanted: file pages, which count once the
// kernel thinks them in use, as it does for ten megabytes of them at once and at any time, and what it keeps for each of
// them. It wants slopeBlocks moments at least.
func slopeOf(moments []moment) slope {
	x, y := blockMeans(moments)
	meanX, meanY := mean(x), mean(y)
	var xx, xy float64
	for i := range x {
		xx += (x[i] - meanX) * (x[i] - meanX)
		xy += (x[i] - meanX) * (y[i] - meanY)
	}
	perMinute := xy / xx
	residuals := make([]float64, len(x))
	for i := range x {
		residuals[i] = y[i] - meanY - perMinute*(x[i]-meanX)
	}
	half := slopeQuantile * math.Sqrt(inflated(residuals)/(slopeBlocks-2)/xx)
	return slope{perMinute, perMinute - half, perMinute + half}
}

// blockMeans are the means of minutes and bytes of each block.
func blockMeans(moments []moment) (minutes, bytes []float64) {
	for i := range slopeBlocks {
		var at, anon float64
		block := moments[i*len(moments)/slopeBlocks : (i+1)*len(moments)/slopeBlocks]
		for _, m := range block {
			at, anon = at+m.At, anon+float64(m.Anon)
		}
		n := float64(len(block))
		minutes, bytes = append(minutes, at/n/60), append(bytes, anon/n)
	}
	return minutes, bytes
}

// inflated is the residuals' sum of squares, made larger by what is still alike between neighbouring blocks: n of them
// with a correlation of r are worth n·(1-r)/(1+r) independent ones.
func inflated(residuals []float64) float64 {
	var squares, products float64
	for i, r := range residuals {
		squares += r * r
		if i > 0 {
			products += r * residuals[i-1]
		}
	}
	if squares == 0 {
		return 0
	}
	r := min(max(products/squares, 0), 0.9)
	return squares * (1 + r) / (1 - r)
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// synthetic is a curve that grows by so many bytes a minute, under a saw-tooth and noise whose values resemble their
// neighbours (AR(1), 0.9), 2 MB in all.
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
		least     float64 // share of the runs in which it is found
		most      float64
	}{
		{"a minute, no leak", 60, 0, 0, 0.05}, // one-sided, 2.5 % is what the interval promises
		{"a minute, shrinking", 60, -1e6, 0, 0.01},
		{"a minute, 1 MB/min", 60, 1e6, 0.99, 1},
		{"ten minutes, no leak", 600, 0, 0, 0.05},
		{"ten minutes, 50 kB/min", 600, 50e3, 0.95, 1},
	} {
		found, covered := 0, 0
		for range runs {
			s := slopeOf(synthetic(row.seconds, row.perMinute, noise))
			if s.above(soakSlopeBound) {
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
	if s := slopeOf(synthetic(600, soakSlopeBound-1, nil)); s.above(soakSlopeBound) {
		t.Errorf("a curve at the bound is above it: %v", s)
	}
	if s := slopeOf(synthetic(600, soakSlopeBound+1000, nil)); !s.above(soakSlopeBound) {
		t.Errorf("a curve beyond the bound is not: %v", s)
	}
	if s := slopeOf(synthetic(60, 0, nil)); s.PerMinute != 0 || s.Low != 0 || s.High != 0 {
		t.Errorf("what does not change grows by %v", s)
	}
}
