package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// figure is one figure of two runs. write formats it.
type figure struct {
	name  string
	a, b  float64
	write func(float64) string
}

// Compare writes a comparison of two runs: their figures, and the change from the first to the second.
func Compare(w io.Writer, a, b *Report) error {
	for _, pair := range [][3]string{{"scenario", a.Scenario, b.Scenario}, {"load", a.Model, b.Model}, {"target", a.Target, b.Target}} {
		if pair[1] == pair[2] {
			fmt.Fprintf(w, "%s: %s\n", pair[0], clean(pair[1]))
		} else {
			fmt.Fprintf(w, "%s: %s, then %s: not the same\n", pair[0], clean(pair[1]), clean(pair[2]))
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\t"+a.Began.Format("2006-01-02 15:04")+"\t"+b.Began.Format("2006-01-02 15:04")+"\tchange\t")
	for _, f := range figures(a, b) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t\n", f.name, f.write(f.a), f.write(f.b), f.change())
	}
	return table.Flush()
}

func figures(a, b *Report) []figure {
	whole := func(n float64) string { return Number(n, 0) }
	all := []figure{
		{"requests", float64(a.Total), float64(b.Total), whole},
		{"requests/second", a.RPS, b.RPS, func(n float64) string { return Number(n, 2) }},
		{"successful", a.success(), b.success(), percent},
		{"failed", float64(a.Failed), float64(b.Failed), whole},
	}
	kinds := maps.Clone(a.Failures)
	if kinds == nil {
		kinds = map[string]int64{}
	}
	maps.Copy(kinds, b.Failures)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, figure{clean(kind), float64(a.Failures[kind]), float64(b.Failures[kind]), whole})
	}
	x, y := a.Latency, b.Latency
	all = append(all, figure{"mean", x.Mean, y.Mean, ms}, figure{"p50", x.P50, y.P50, ms}, figure{"p90", x.P90, y.P90, ms}, figure{"p95", x.P95, y.P95, ms},
		figure{"p99", x.P99, y.P99, ms}, figure{"p99.9", x.P999, y.P999, ms}, figure{"max", x.Max, y.Max, ms})
	for _, name := range slices.Sorted(maps.Keys(a.Series)) {
		if other, both := b.Series[name]; both {
			all = append(all, figure{clean(name) + " p99", a.Series[name].P99, other.P99, ms})
		}
	}
	if a.Server != nil && b.Server != nil {
		s, t := a.Server, b.Server
		all = append(all, figure{"memory, peak", float64(s.PeakBytes), float64(t.PeakBytes), func(n float64) string { return size(int64(n)) }},
			figure{"workers recycled", float64(s.recycled()), float64(t.recycled()), whole})
	}
	return all
}

// change returns by how much the second figure differs.
func (f figure) change() string {
	switch {
	case f.a == f.b:
		return "="
	case f.a == 0:
		return "new"
	default:
		return fmt.Sprintf("%+.1f%%", 100*(f.b-f.a)/f.a)
	}
}

// clean replaces control characters in the contents of a file, so that they cannot control the terminal.
func clean(text string) string {
	out := []rune(text)
	for i, r := range out {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			out[i] = '?'
		}
	}
	return string(out)
}
