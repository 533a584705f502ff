package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

const (
	lineEvery  = 5 * time.Second
	barWidth   = 12 // so that the line fits a terminal of 80 columns
	barEvery   = 250 * time.Millisecond
	progressBy = 10 // requests between two progress lines of a short run
	mostLines  = 100
)

var rule = strings.Repeat("=", 50)

// live shows the progress of a run: a bar on a terminal, lines elsewhere.
type live struct {
	w       io.Writer
	plan    pace.Plan
	held    bool          // streams are held open as well
	length  time.Duration // of the run; 0 = until its requests are done
	sheet   *measure.Sheet
	sampler *measure.Sampler // nil = the service is not asked
	marks   chan measure.Totals
}

// newLive sets the sheet's watch, so it must be called before the first request. held means
// that the counts include the openings of streams in addition to the plan's requests.
func newLive(w io.Writer, plan pace.Plan, held bool, sheet *measure.Sheet, sampler *measure.Sampler) *live {
	l := &live{w: w, plan: plan, held: held, length: plan.Duration, sheet: sheet, sampler: sampler, marks: make(chan measure.Totals, mostLines+2)}
	if plan.Schedule != nil && plan.Requests == 0 {
		l.length = plan.Schedule.Length()
	}
	if l.length == 0 && !held && !terminal(w) {
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
	switch {
	case terminal(l.w):
		l.bar(ctx)
	case l.length > 0 || l.held:
		l.lines(ctx)
	default:
		l.counts(ctx)
	}
}

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

// brief returns a short description for the bar.
func (l *live) brief() string {
	now := l.sheet.Live()
	return fmt.Sprintf("%d, %.0f/s, %d failed, p99 %.1f ms%s", now.All(), now.Rate, now.Failed, now.P99, l.memory(", "))
}

// bar draws a bar of requests, or of time if that limits the run. Failing to draw does not stop the load.
func (l *live) bar(ctx context.Context) {
	most := l.plan.Requests
	if l.length > 0 {
		most = l.length.Milliseconds()
	}
	bar := progressbar.NewOptions64(most, progressbar.OptionSetWriter(l.w), progressbar.OptionSetWidth(barWidth), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	tick := time.NewTicker(barEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			done := l.sheet.Live().All()
			if l.length > 0 {
				done = time.Since(l.sheet.Began()).Milliseconds()
			}
			bar.Describe(l.brief())
			_ = bar.Set64(min(done, most-1))
		case <-ctx.Done():
			_ = bar.Clear()
			return
		}
	}
}

// terminal reports whether w is a character device other than the null device.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
