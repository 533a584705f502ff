package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Goals are what a run must achieve. A zero is not a goal. Without any goals, the run must
// achieve what the original load test required: more than nine tenths successful.
type Goals struct {
	MaxP95, MaxP99 time.Duration
	MinSuccess     float64 // percent
	MaxMemory      int64   // bytes, of the highest reading
}

// SeedGoals returns the goals of the original backend.
func SeedGoals() Goals {
	return Goals{MaxP95: 8 * time.Second, MinSuccess: 95, MaxMemory: 150_000_000}
}

// Threshold is a goal and whether it was met.
type Threshold struct {
	Name     string `json:"name"`
	Measured string `json:"measured"`
	Goal     string `json:"goal"`
	Passed   bool   `json:"passed"`
}

// ParseSize parses a number of bytes with its unit: kB, MB, GB, or KiB, MiB, GiB.
func ParseSize(text string) (int64, error) {
	units := []struct {
		name  string
		bytes float64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}}
	for _, u := range units {
		number, ok := strings.CutSuffix(strings.ToLower(text), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if size := n * u.bytes; err == nil && size >= 1 && size <= 1e15 {
			return int64(size), nil
		}
	}
	return 0, fmt.Errorf("%q is not a size: use a form like 150MB", text)
}

// success returns the percentage of requests that succeeded; 0 if there were none.
func (r *Report) success() float64 { return 100 * float64(r.OK) / float64(max(r.Total, 1)) }

// judge compares the figures with the goals.
func (r *Report) judge(g Goals) {
	add := func(name string, passed bool, measured, goal string) {
		r.Thresholds = append(r.Thresholds, Threshold{Name: name, Measured: measured, Goal: goal, Passed: passed})
	}
	some := r.Total > 0
	if g.MinSuccess > 0 {
		add("success", some && r.success() >= g.MinSuccess, percent(r.success()), "at least "+percent(g.MinSuccess))
	}
	if g.MaxP95 > 0 {
		add("p95", some && r.P95MS <= milliseconds(g.MaxP95), ms(r.P95MS), "at most "+ms(milliseconds(g.MaxP95)))
	}
	if g.MaxP99 > 0 {
		add("p99", some && r.P99MS <= milliseconds(g.MaxP99), ms(r.P99MS), "at most "+ms(milliseconds(g.MaxP99)))
	}
	if g.MaxMemory > 0 {
		measured, passed := "not measured", false
		if r.Server != nil {
			measured, passed = size(r.Server.PeakBytes), r.Server.PeakBytes <= g.MaxMemory
		}
		add("memory", passed, measured, "at most "+size(g.MaxMemory))
	}
	r.Passed = !r.Interrupted
	if len(r.Thresholds) == 0 {
		r.Passed = r.Passed && r.OK*10 > r.Total*9
	}
	for _, t := range r.Thresholds {
		r.Passed = r.Passed && t.Passed
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
