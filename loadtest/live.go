package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

const (
	lineEvery  = 5 * time.Second
	progressBy = 10 // requests between two progress lines of a short run
	mostLines  = 100
)

var rule = strings.Repeat("=", 50)

// live shows the progress of a run: a line every few requests or, if its duration is set, every few seconds.
type live struct {
	w       io.Writer
	plan    pace.Plan
	held    bool // streams are held open as well
	sheet   *measure.Sheet
	sampler *measure.Sampler // nil = the service is not asked
	marks   chan measure.Totals
}

// newLive sets the sheet's watch, so it must be called before the first request. held means
// that the counts include the openings of streams in addition to the plan's requests.
func newLive(w io.Writer, plan pace.Plan, held bool, sheet *measure.Sheet, sampler *measure.Sampler) *live {
	l := &live{w: w, plan: plan, held: held, sheet: sheet, sampler: sampler, marks: make(chan measure.Totals, mostLines+2)}
	if !l.timed() {
		step := max(progressBy, plan.Requests/mostLines)
		sheet.Watch(func(t measure.Totals) {
			if t.All() == plan.Requests || t.All()%step == 0 {
				select {
				case l.marks <- t:
				default: // a stopped terminal must not delay the load
				}
			}
		})
	}
	return l
}

// run shows the progress until ctx ends.
func (l *live) run(ctx context.Context) {
	if l.timed() {
		l.lines(ctx)
	} else {
		l.counts(ctx)
	}
}

// timed reports whether the run has a set duration, or counts more than the plan's requests.
func (l *live) timed() bool { return l.plan.Duration > 0 || l.held }

// counts writes a line every few requests, like the original load test.
func (l *live) counts(ctx context.Context) {
	line := func(t measure.Totals) {
		fmt.Fprintf(l.w, "Progress: %d/%d requests (%d successful)\n", t.All(), l.plan.Requests, t.OK)
	}
	for {
		select {
		case t := <-l.marks:
			line(t)
		case <-ctx.Done():
			for len(l.marks) > 0 {
				line(<-l.marks)
			}
			return
		}
	}
}

// lines writes a line every few seconds.
func (l *live) lines(ctx context.Context) {
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(l.w, "%3.0f s: %s\n", time.Since(l.sheet.Began()).Seconds(), l.words())
		case <-ctx.Done():
			return
		}
	}
}

// words returns a description of the progress.
func (l *live) words() string {
	now := l.sheet.Live()
	return fmt.Sprintf("%d requests, %.0f/s, %d failed, p99 %.1f ms%s", now.All(), now.Rate, now.Failed, now.P99, l.memory(", memory "))
}

// memory returns the service's memory after a label; "" if it is not known.
func (l *live) memory(words string) string {
	if l.sampler == nil {
		return ""
	}
	s, ok := l.sampler.Last()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s%.0f MB", words, float64(s.Memory)/1e6)
}
