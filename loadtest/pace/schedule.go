// Package pace decides when requests are made. The one idea: in an open load, the time at which a request is due is
// known in advance, regardless of earlier requests, and its latency counts from then. A stall of the server thus counts
// for all requests that would have waited, not just for the one that did (coordinated omission).
package pace

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bounds of a schedule.
const (
	MaxRate     = 1_000_000 // requests per second
	MaxDuration = 24 * time.Hour
	MaxStages   = 1000
)

// Stage is a period in which the rate changes linearly.
type Stage struct {
	From, To float64 // requests per second
	Length   time.Duration
}

// requests returns how many requests are due in the first t of a stage.
func (s Stage) requests(t time.Duration) float64 {
	x := t.Seconds()
	return s.From*x + s.slope()*x*x/2
}

// slope returns the change of the rate per second.
func (s Stage) slope() float64 { return (s.To - s.From) / s.Length.Seconds() }

// when returns how far into a stage its k-th request is due, for k from 0.
func (s Stage) when(k float64) time.Duration {
	if k <= 0 {
		return 0
	}
	// The root of the quadratic, in the form that does not lose digits if the slope is small.
	x := 2 * k / (s.From + math.Sqrt(max(0, s.From*s.From+2*s.slope()*k)))
	return min(time.Duration(x*float64(time.Second)), s.Length)
}

// Schedule is when each request of an open load is due.
type Schedule struct{ stages []Stage }

// NewSchedule returns a schedule of consecutive stages.
func NewSchedule(stages ...Stage) (Schedule, error) {
	var length time.Duration
	for _, s := range stages {
		switch {
		case !(s.From >= 0 && s.From <= MaxRate && s.To >= 0 && s.To <= MaxRate): // also rejects NaN
			return Schedule{}, fmt.Errorf("a rate must be 0 to %d requests a second", MaxRate)
		case s.Length <= 0 || s.Length > MaxDuration:
			return Schedule{}, fmt.Errorf("a stage must last more than 0 and at most %v", MaxDuration)
		}
		length += s.Length
	}
	s := Schedule{stages: stages}
	switch {
	case len(stages) == 0 || len(stages) > MaxStages:
		return Schedule{}, fmt.Errorf("there must be 1 to %d stages", MaxStages)
	case length > MaxDuration:
		return Schedule{}, fmt.Errorf("the stages must last %v at most in all", MaxDuration)
	case s.Requests() == 0:
		return Schedule{}, errors.New("no request is due in any stage")
	}
	return s, nil
}

// ParseStages parses stages separated by commas: `10:30s` is 10 requests per second for 30
// s, `10-100:1m` a ramp from 10 to 100 in a minute.
func ParseStages(text string) (Schedule, error) {
	var stages []Stage
	for part := range strings.SplitSeq(text, ",") {
		s, err := parseStage(strings.TrimSpace(part))
		if err != nil {
			return Schedule{}, fmt.Errorf("stage %q: %w", part, err)
		}
		stages = append(stages, s)
	}
	return NewSchedule(stages...)
}

func parseStage(text string) (Stage, error) {
	rates, length, ok := strings.Cut(text, ":")
	if !ok {
		return Stage{}, errors.New("must be RATE:DURATION or FROM-TO:DURATION, as 10:30s or 10-100:1m")
	}
	from, to, ramp := strings.Cut(rates, "-")
	if !ramp {
		to = from
	}
	var s Stage
	var errFrom, errTo, errLength error
	s.From, errFrom = strconv.ParseFloat(from, 64)
	s.To, errTo = strconv.ParseFloat(to, 64)
	s.Length, errLength = time.ParseDuration(length)
	switch {
	case errFrom != nil || errTo != nil:
		return s, fmt.Errorf("%q is not a rate", rates)
	case errLength != nil:
		return s, fmt.Errorf("%q is not a duration: use 30s or 1m", length)
	}
	return s, nil
}

// Requests returns how many requests are due in total.
func (s Schedule) Requests() int64 {
	var sum float64
	for _, stage := range s.stages {
		sum += stage.requests(stage.Length)
	}
	return int64(math.Ceil(sum - 1e-6)) // the first is due at 0
}

// Length returns the duration of the schedule.
func (s Schedule) Length() time.Duration {
	var sum time.Duration
	for _, stage := range s.stages {
		sum += stage.Length
	}
	return sum
}

// Due returns when request n (from 0) is due after the beginning. ok is false if there are fewer requests.
func (s Schedule) Due(n int64) (due time.Duration, ok bool) {
	var before time.Duration
	left := float64(n)
	for _, stage := range s.stages {
		all := stage.requests(stage.Length)
		if left < all-1e-6 {
			return before + stage.when(left), true
		}
		left -= all
		before += stage.Length
	}
	return 0, false
}
