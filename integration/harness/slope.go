package harness

import (
	"fmt"
	"math"
)

// SlopeBound is how fast memory may grow in a soak, in bytes a minute. In a minute the noise alone is larger, so the lower
// end of the slope's interval is judged: whether the growth is significantly above the bound.
const SlopeBound = 10_000

const (
	// slopeBlocks is how many means a curve is boiled down to. Readings 100 ms apart are not independent: the garbage
	// collector's saw-tooth runs through dozens of them, and least squares over all would take them for as many
	// witnesses and be surer than it may. The mean of a twentieth of the curve has the saw-tooth behind it, and twenty
	// of them leave degrees of freedom enough (batch means).
	slopeBlocks = 20
	// slopeQuantile is Student's t for 95 % and slopeBlocks-2 degrees of freedom.
	slopeQuantile = 2.101
)

// Slope is how fast something grew, in bytes a minute, and the interval that holds the true figure with 95 %.
type Slope struct {
	PerMinute float64 `json:"bytes_per_minute"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
}

// Above reports whether the growth is significantly above a bound: even the interval's lower end is.
func (s Slope) Above(bound float64) bool { return s.Low > bound }

func (s Slope) String() string {
	return fmt.Sprintf("%.0f kB/min (%.0f to %.0f)", s.PerMinute/1e3, s.Low/1e3, s.High/1e3)
}

// SlopeOf fits a line to the anonymous memory, by least squares. That is what a leak of the program would be in. The rest
// of what is held grows with the database's file and is had back whenever it is wanted: file pages, which count once the
// kernel thinks them in use, as it does for ten megabytes of them at once and at any time, and what it keeps for each of
// them. It wants slopeBlocks moments at least.
func SlopeOf(moments []moment) Slope {
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
	return Slope{perMinute, perMinute - half, perMinute + half}
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
