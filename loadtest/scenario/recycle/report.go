package recycle

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the table.
type figure struct {
	Part     string
	Name     string
	N        int64 // number of measurements
	Measured string
	Goal     string
	Pass     bool
	Note     string
	Details  []string // failures
}

// zeroOf returns a figure that must be 0, out of n > 0.
func zeroOf(part, name string, count, n int64) figure {
	return figure{Part: part, Name: name, N: n, Measured: fmt.Sprint(count),
		Goal: "0", Pass: count == 0 && n > 0}
}

// atLeast returns a figure with a lower limit.
func atLeast(part, name string, value, goal float64, n int64) figure {
	return figure{Part: part, Name: name, N: n, Measured: number(value),
		Goal: "≥ " + number(goal), Pass: value >= goal && n > 0}
}

// atMost returns a figure with an upper limit.
func atMost(part, name string, value, goal float64, n int64) figure {
	return figure{Part: part, Name: name, N: n, Measured: number(value),
		Goal: "≤ " + number(goal), Pass: value <= goal && n > 0}
}

// within returns a figure of time with an upper limit: the q-quantile of the times.
func within(part, name string, times []time.Duration, q float64, goal time.Duration) figure {
	value := quantile(times, q)
	f := figure{Part: part, Name: name, N: int64(len(times)), Measured: round(value), Goal: "≤ " + goal.String(), Pass: len(times) > 0 && value <= goal}
	f.Note = fmt.Sprintf("p50 %s, p99 %s, most %s", round(quantile(times, .5)), round(quantile(times, .99)), round(quantile(times, 1)))
	return f
}

// quantile returns the smallest of the times that at least a share q of them do not exceed; 0 of none.
func quantile(times []time.Duration, q float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	i := int(q*float64(len(sorted))+.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

func round(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func number(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00") }

// withFailures adds the outcome of a load to its figure.
func (f figure) withFailures(t *tally) figure {
	f.Note = t.words()
	for _, failure := range t.kept {
		f.Details = append(f.Details, failure.At.UTC().Format("15:04:05.000 ")+failure.Error())
	}
	return f
}

// during notes how many workers were recycled during the measurement. Without any recycles, the figure says nothing
// about recycling and does not pass.
func (f figure) during(recycles int64) figure {
	f.Note = fmt.Sprintf("%s; %d recycles", f.Note, recycles)
	f.Pass = f.Pass && recycles > 0
	return f
}

// report contains all measurements.
type report struct {
	Binary  string
	CPUs    int
	Began   time.Time
	Took    time.Duration
	Pass    bool
	Figures []figure
	Notes   []string
}

// newReport judges the figures. A missing figure is a failure.
func newReport(b *bench, began time.Time) report {
	missed := func(f figure) bool { return !f.Pass }
	return report{Binary: b.binary, CPUs: runtime.NumCPU(), Began: began.UTC(), Took: time.Since(began),
		Pass:    len(b.figures) > 0 && !slices.ContainsFunc(b.figures, missed),
		Figures: b.figures, Notes: b.notes}
}

const shownDetails = 10 // details per figure in the table

// writeTable writes the report for people.
func (r report) writeTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "part\tfigure\tn\tmeasured\tgoal\tpass")
	for _, f := range r.Figures {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", f.Part, f.Name, f.N, f.Measured, f.Goal, yes(f.Pass))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range r.Figures {
		if f.Note != "" {
			fmt.Fprintf(w, "%s, %s: %s\n", f.Part, f.Name, f.Note)
		}
		for _, detail := range f.Details[:min(len(f.Details), shownDetails)] {
			fmt.Fprintf(w, "    %s\n", detail)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintln(w, note)
	}
	_, err := fmt.Fprintf(w, "%d CPUs, %s, %s\n", r.CPUs, r.Took.Round(time.Second), map[bool]string{true: "all goals hold", false: "NOT all goals hold"}[r.Pass])
	return err
}

func yes(pass bool) string {
	if pass {
		return "yes"
	}
	return "NO"
}
