package harness

import (
	"fmt"
	"math"
)

// SlopeBound is how fast memory may grow in a soak, in bytes a minute. Noise alone can exceed it in a minute, so the
// lower end of the slope's confidence interval is compared with it: the test fails if the growth is significantly above
// the bound.
const SlopeBound = 10_000

const (
	// slopeBlocks is how many means a curve is reduced to (batch means). Readings 100 ms apart are not independent: the
	// garbage collector's saw-tooth spans dozens of them, and least squares over all would treat them as independent
	// and underestimate the error. The mean of a twentieth of the curve averages the saw-tooth out, and twenty of them
	// leave enough degrees of freedom.
	slopeBlocks = 20
	// slopeQuantile is Student's t for 95 % and slopeBlocks-2 degrees of freedom.
	slopeQuantile = 2.101
)

// Slope is how fast something grew, in bytes a minute, with its 95 % confidence interval.
type Slope struct {
	PerMinute float64 `json:"bytes_per_minute"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
}

// Above reports whether the growth is significantly above a bound: whether even the interval's lower end is.
func (s Slope) Above(bound float64) bool { return s.Low > bound }

func (s Slope) String() string {
	return fmt.Sprintf("%.0f kB/min (%.0f to %.0f)", s.PerMinute/1e3, s.Low/1e3, s.High/1e3)
}

// SlopeOf fits a line to the anonymous memory by least squares, because a leak in the program shows there. The other
// memory grows with the database's file and can be reclaimed at any time: file pages, which count once the kernel
// considers them in use, as may happen for ten megabytes at once and at any time, and the kernel's data for each of
// them. It needs at least slopeBlocks moments.
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

// blockMeans returns the means of minutes and bytes of each block.
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

// inflated returns the residuals' sum of squares, increased to account for the correlation that remains between
// neighbouring blocks: n of them with a correlation of r are worth n·(1-r)/(1+r) independent ones.
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
