package measure

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is the summary of a Sheet.
type Result struct {
	Totals
	Took     time.Duration
	Failures map[string]int64
	Counts   map[string]int64
	Latency  Summary // of all requests, including failed ones
	Ladder   []Rung
	Series   map[string]Summary
	Seconds  []Second
}

// Summary contains a histogram's figures; times are in milliseconds.
type Summary struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

// Rung is one step of the ladder of percentiles.
type Rung struct {
	Percentile float64 `json:"percentile"`
	MS         float64 `json:"ms"`
}

// rungs halve the distance to 100 repeatedly, as suits the tails of latencies.
var rungs = []float64{0, 25, 50, 75, 87.5, 90, 93.75, 95, 96.875, 98.4375, 99, 99.21875, 99.609375, 99.8046875, 99.9, 99.951171875,
	99.98, 99.99, 99.995, 99.999, 100}

func summary(h *hdrhistogram.Histogram) Summary {
	if h.TotalCount() == 0 {
		return Summary{}
	}
	return Summary{Count: h.TotalCount(), Mean: h.Mean() / 1000, P50: at(h, 50), P90: at(h, 90), P95: at(h, 95), P99: at(h, 99),
		P999: at(h, 99.9), Max: milliseconds(h.Max())}
}

// ladder returns the percentiles that this many values can distinguish.
func ladder(h *hdrhistogram.Histogram) []Rung {
	var all []Rung
	n := float64(h.TotalCount())
	if n == 0 {
		return nil
	}
	for _, p := range rungs {
		if p == 100 || (100-p)/100*n >= 1 {
			all = append(all, Rung{Percentile: p, MS: at(h, p)})
		}
	}
	return all
}

func at(h *hdrhistogram.Histogram, percentile float64) float64 {
	return milliseconds(h.ValueAtPercentile(percentile))
}

func milliseconds(microseconds int64) float64 { return float64(microseconds) / 1000 }
