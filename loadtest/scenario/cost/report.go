package cost

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// window is the measurement of one window.
type window struct {
	usage
	load
}

func (w window) rate() float64 { return float64(len(w.times)) / w.length.Seconds() }

// each returns a time divided by the number of requests, in µs.
func (w window) each(t time.Duration) float64 {
	return float64(t.Microseconds()) / float64(max(len(w.times), 1))
}

func (w window) quantile(q float64) time.Duration {
	if len(w.times) == 0 {
		return 0
	}
	return w.times[min(int(q*float64(len(w.times))), len(w.times)-1)]
}

// columns are the figures of the table: each is the median of a program's windows.
var columns = []struct {
	name   string
	format string
	of     func(window) float64
}{
	{"answers/s", "%.0f", window.rate},
	{"p50 ms", "%.1f", func(w window) float64 { return float64(w.quantile(.5).Microseconds()) / 1000 }},
	{"p99 ms", "%.1f", func(w window) float64 { return float64(w.quantile(.99).Microseconds()) / 1000 }},
	{"service µs", "%.0f", func(w window) float64 { return w.each(w.service) }},
	{"supervisor µs", "%.0f", func(w window) float64 { return w.each(w.supervisor) }},
	{"model µs", "%.0f", func(w window) float64 { return w.each(w.model) }},
	{"clients µs", "%.0f", func(w window) float64 { return w.each(w.clients) }},
	{"switches", "%.1f", func(w window) float64 { return float64(w.switches) / float64(max(len(w.times), 1)) }},
	{"written kB", "%.1f", func(w window) float64 { return float64(w.written) / 1000 / float64(max(len(w.times), 1)) }},
}

// writeTable writes one line per program, and below it how each compares with the last one, in pairs of windows.
func writeTable(out io.Writer, o settings, rows []row) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%d clients, %d windows of %v\t", o.clients, o.rounds, o.window)
	for _, c := range columns {
		fmt.Fprintf(t, "%s\t", c.name)
	}
	fmt.Fprintln(t)
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t", r.name)
		for _, c := range columns {
			low, middle, high := spread(r.windows, c.of)
			fmt.Fprintf(t, c.format+" ("+c.format+" to "+c.format+")\t", middle, low, high)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	last := rows[len(rows)-1]
	for _, r := range rows[:len(rows)-1] {
		rate, work := ratios(r.windows, last.windows)
		fmt.Fprintf(out, "%s to %s, median of %d pairs: answers/s %.2f, processor time of service and supervisor %.2f\n", r.name, last.name, len(r.windows), rate, work)
	}
	return nil
}

// spread returns the lowest value, the median and the highest value of a figure.
func spread(windows []window, of func(window) float64) (low, middle, high float64) {
	values := make([]float64, len(windows))
	for i, w := range windows {
		values[i] = of(w)
	}
	slices.Sort(values)
	return values[0], values[len(values)/2], values[len(values)-1]
}

// ratios returns the medians of the ratios of windows of the same round.
func ratios(a, b []window) (rate, work float64) {
	rates, works := make([]float64, len(a)), make([]float64, len(a))
	for i := range a {
		rates[i] = a[i].rate() / b[i].rate()
		works[i] = a[i].each(a[i].service+a[i].supervisor) / max(b[i].each(b[i].service+b[i].supervisor), 1)
	}
	slices.Sort(rates)
	slices.Sort(works)
	return rates[len(rates)/2], works[len(works)/2]
}
