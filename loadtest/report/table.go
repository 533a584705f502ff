package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/guptarohit/asciigraph"

	"studysharper/loadtest/measure"
)

const (
	chartWidth, chartHeight = 64, 8
	leastForChart           = 3 // seconds
)

var rule = strings.Repeat("=", 50)

// WriteTable writes the figures for people: the lines of the original load test, and the additional ones.
func (r *Report) WriteTable(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n=== Results ===\n%s\nTotal requests: %d\nSuccessful: %d (%.1f%%)\nFailed: %d\n",
		rule, rule, r.Total, r.OK, r.success(), r.Failed)
	for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(w, "  %d x %s\n", r.Failures[kind], kind)
	}
	fmt.Fprintf(w, "Duration: %.2fs\nRequests/second: %.2f\nLatency: p50 %s, p95 %s, p99 %s, max %s\n",
		r.DurationMS/1000, r.RPS, ms(r.P50MS), ms(r.P95MS), ms(r.P99MS), ms(r.Latency.Max))
	r.writeServer(w)
	r.writeSeries(w)
	r.writeCounts(w)
	r.writeCharts(w)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "\nNote: %s\n", note)
	}
	r.writeVerdict(w)
}

func (r *Report) writeServer(w io.Writer) {
	s := r.Server
	if s == nil {
		fmt.Fprintln(w, "Memory: not measured (give -admin-token, or ADMIN_TOKEN in the environment)")
		return
	}
	fmt.Fprintf(w, "Memory: peak %s", size(s.PeakBytes))
	if s.LimitBytes > 0 {
		fmt.Fprintf(w, " of %s", size(s.LimitBytes))
	}
	if s.PeakRSS > 0 && s.PeakRSS != s.PeakBytes {
		fmt.Fprintf(w, ", its processes %s", size(s.PeakRSS))
	}
	fmt.Fprintf(w, "\nWorkers recycled: %d", s.recycled())
	if len(s.Recycles) > 0 {
		fmt.Fprintf(w, " (%s)", counted(s.Recycles))
	}
	fmt.Fprintln(w)
	if asked := s.Hits + s.Misses; asked > 0 {
		fmt.Fprintf(w, "Cache: %s of %d hit\n", percent(100*float64(s.Hits)/float64(asked)), asked)
	}
	if s.Streams > 0 {
		fmt.Fprintf(w, "Streams at the service: up to %d\n", s.Streams)
	}
}

// writeSeries lists the kinds of requests of which a run consists.
func (r *Report) writeSeries(w io.Writer) {
	if len(r.Series) == 0 {
		return
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tcount\tmean\tp50\tp95\tp99\tp99.9\tmax")
	row := func(name string, s measure.Summary) {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", name, s.Count, ms(s.Mean), ms(s.P50), ms(s.P95), ms(s.P99), ms(s.P999), ms(s.Max))
	}
	row("all requests", r.Latency)
	for _, name := range slices.Sorted(maps.Keys(r.Series)) {
		row(name, r.Series[name])
	}
	_ = table.Flush() // written for people; an error does not matter
}

func (r *Report) writeCounts(w io.Writer) {
	if len(r.Counts) > 0 {
		fmt.Fprintln(w)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(w, "%s: %d\n", strings.ToUpper(name[:1])+name[1:], r.Counts[name])
	}
}

// writeCharts draws the run over time, if it was long enough.
func (r *Report) writeCharts(w io.Writer) {
	if len(r.Seconds) < leastForChart || r.Latency.Count == 0 {
		return
	}
	var p99, rate, memory []float64
	for _, s := range r.Seconds {
		p99 = append(p99, s.P99)
	}
	for _, s := range r.rates() {
		rate = append(rate, float64(s.OK+s.Failed))
	}
	draw(w, "p99 in ms, by second", p99)
	draw(w, "requests by second", rate)
	if r.Server == nil || len(r.Server.Samples) < leastForChart {
		return
	}
	for _, s := range r.Server.Samples {
		memory = append(memory, float64(s.Memory)/1e6)
	}
	draw(w, "the service's memory in MB", memory)
}

func draw(w io.Writer, caption string, values []float64) {
	fmt.Fprintf(w, "\n%s\n", asciigraph.Plot(thinned(values, chartWidth), asciigraph.Height(chartHeight), asciigraph.Width(chartWidth),
		asciigraph.LowerBound(0), asciigraph.Caption(caption)))
}

// thinned reduces values to at most most, keeping the highest of every few: a bad second does not vanish.
func thinned(values []float64, most int) []float64 {
	if len(values) <= most {
		return values
	}
	out := make([]float64, most)
	for i := range out {
		out[i] = slices.Max(values[i*len(values)/most : (i+1)*len(values)/most])
	}
	return out
}

func (r *Report) writeVerdict(w io.Writer) {
	fmt.Fprintln(w)
	for _, t := range r.Thresholds {
		word := "passed"
		if !t.Passed {
			word = "MISSED"
		}
		fmt.Fprintf(w, "%s: %s, %s: %s\n", t.Name, t.Measured, t.Goal, word)
	}
	fmt.Fprintln(w, r.Verdict())
}

// Verdict returns the last line of the output.
func (r *Report) Verdict() string {
	switch {
	case r.Interrupted:
		return fmt.Sprintf("Load test FAILED (interrupted after %d requests)", r.Total)
	case len(r.Thresholds) == 0 && r.Passed:
		return "Load test PASSED (>90% success rate)"
	case len(r.Thresholds) == 0:
		return "Load test FAILED (not >90% success rate)"
	case r.Passed:
		return "Load test PASSED (every threshold)"
	default:
		return "Load test FAILED (a threshold was missed)"
	}
}
