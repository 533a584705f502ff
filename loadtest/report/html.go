package report

import (
	"fmt"
	"html"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"studysharper/loadtest/measure"
)

// WriteHTML writes the report as a self-contained page: no script, no image, no font. All
// quoted text is escaped.
func (r *Report) WriteHTML(w io.Writer) error {
	var b strings.Builder
	title := html.EscapeString("Load test: " + r.Scenario)
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\n"+
		"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>%s</title>\n<style>\n%s</style></head>\n<body><main>\n", title, Style)
	r.writeHead(&b, title)
	r.writeTiles(&b)
	r.writeThresholds(&b)
	b.WriteString("<div class=charts>\n")
	for _, p := range r.plots() {
		p.Write(&b)
	}
	b.WriteString("</div>\n")
	r.writeTables(&b)
	b.WriteString("</main></body></html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeHead(b *strings.Builder, title string) {
	class := "bad"
	if r.Passed {
		class = "good"
	}
	fmt.Fprintf(b, "<h1>%s</h1>\n<p class=sub>%s · %s · %s</p>\n<p class=\"verdict %s\">%s</p>\n", title, html.EscapeString(r.Target),
		html.EscapeString(r.Model), r.Began.Format("2006-01-02 15:04:05 UTC"), class, html.EscapeString(r.Verdict()))
}

func (r *Report) writeTiles(b *strings.Builder) {
	tiles := [][2]string{
		{"requests", fmt.Sprint(r.Total)}, {"successful", percent(r.success())}, {"failed", fmt.Sprint(r.Failed)},
		{"requests a second", Number(r.RPS, 1)}, {"duration", ms(r.DurationMS)}, {"p50", ms(r.P50MS)}, {"p95", ms(r.P95MS)}, {"p99", ms(r.P99MS)},
	}
	if s := r.Server; s != nil {
		tiles = append(tiles, [2]string{"memory, peak", size(s.PeakBytes)}, [2]string{"workers recycled", fmt.Sprint(s.recycled())})
		if asked := s.Hits + s.Misses; asked > 0 {
			tiles = append(tiles, [2]string{"cache hits", percent(100 * float64(s.Hits) / float64(asked))})
		}
	}
	b.WriteString("<div class=tiles>\n")
	for _, t := range tiles {
		fmt.Fprintf(b, "<div class=tile><span>%s</span><b>%s</b></div>\n", t[0], html.EscapeString(t[1]))
	}
	b.WriteString("</div>\n")
}

func (r *Report) writeThresholds(b *strings.Builder) {
	if len(r.Thresholds) == 0 {
		return
	}
	b.WriteString("<section><h2>Thresholds</h2><table class=tight><tr><th></th><th>measured</th><th>goal</th><th></th></tr>\n")
	for _, t := range r.Thresholds {
		word, class := "missed", "bad"
		if t.Passed {
			word, class = "passed", "good"
		}
		writeRow(b, class, t.Name, t.Measured, t.Goal, word)
	}
	b.WriteString("</table></section>\n")
}

// writeRow writes cells; the last one has a class of its own.
func writeRow(b *strings.Builder, lastClass string, cells ...string) {
	b.WriteString("<tr>")
	for i, cell := range cells {
		class := ""
		if i == len(cells)-1 && lastClass != "" {
			class = " class=" + lastClass
		}
		fmt.Fprintf(b, "<td%s>%s</td>", class, html.EscapeString(cell))
	}
	b.WriteString("</tr>\n")
}

func (r *Report) writeTables(b *strings.Builder) {
	b.WriteString("<section><h2>Latency</h2><table><tr><th></th><th>count</th><th>mean</th><th>p50</th><th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>max</th></tr>\n")
	row := func(name string, s measure.Summary) {
		writeRow(b, "", name, fmt.Sprint(s.Count), ms(s.Mean), ms(s.P50), ms(s.P90), ms(s.P95), ms(s.P99), ms(s.P999), ms(s.Max))
	}
	row("all requests", r.Latency)
	for _, name := range slices.Sorted(maps.Keys(r.Series)) {
		row(name, r.Series[name])
	}
	b.WriteString("</table></section>\n")
	writeCounts(b, "Failures", r.Failures)
	writeCounts(b, "Counts", r.Counts)
	if r.Server != nil {
		writeCounts(b, "Workers recycled", r.Server.Recycles)
	}
	if len(r.Notes) > 0 {
		b.WriteString("<section><h2>Notes</h2><ul>\n")
		for _, note := range r.Notes {
			fmt.Fprintf(b, "<li>%s</li>\n", html.EscapeString(note))
		}
		b.WriteString("</ul></section>\n")
	}
}

func writeCounts(b *strings.Builder, title string, counts map[string]int64) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(b, "<section><h2>%s</h2><table>\n", title)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		writeRow(b, "", name, fmt.Sprint(counts[name]))
	}
	b.WriteString("</table></section>\n")
}

// plots returns the charts of a run.
func (r *Report) plots() []Chart {
	most := max(r.DurationMS/1000, 1)
	marks := r.recycleTimes()
	over := func(p Chart) Chart {
		p.XMost, p.XTicks, p.Marks = most, SecondsAxis(most), marks
		return p
	}
	var p50, p95, p99, rate, failed, memory, streams []Point
	for _, s := range r.Seconds {
		if x := min(float64(s.At)+0.5, most); s.Max > 0 {
			p50, p95, p99 = append(p50, Point{X: x, Y: s.P50}), append(p95, Point{X: x, Y: s.P95}), append(p99, Point{X: x, Y: s.P99})
		}
	}
	for _, s := range r.rates() {
		x := min(float64(s.At)+0.5, most)
		rate, failed = append(rate, Point{X: x, Y: float64(s.OK + s.Failed)}), append(failed, Point{X: x, Y: float64(s.Failed)})
	}
	all := []Chart{
		over(Chart{Title: "Latency over time", About: "of the requests that ended in each second", Y: ms,
			Lines: []Line{{Name: "p99", Class: "c", Points: p99}, {Name: "p95", Class: "b", Points: p95}, {Name: "p50", Class: "a", Points: p50}}}),
		r.percentiles(),
		over(Chart{Title: "Rate", About: "requests that ended in each second", Y: whole,
			Lines: []Line{{Name: "all", Class: "a", Points: rate, Area: true}, {Name: "failed", Class: "c", Points: failed, Area: true}}}),
	}
	if r.Server == nil {
		return all
	}
	for _, s := range r.Server.Samples {
		memory, streams = append(memory, Point{X: min(s.At, most), Y: float64(s.Memory)}), append(streams, Point{X: min(s.At, most), Y: float64(s.Streams)})
	}
	all = append(all, over(Chart{Title: "The service's memory", About: "as it says itself, once a second", Y: megabytes,
		Lines: []Line{{Name: "memory", Class: "d", Points: memory, Area: true}}, Limit: float64(r.Server.LimitBytes), LimitName: "limit, " + size(r.Server.LimitBytes)}))
	if r.Server.Streams > 0 {
		all = append(all, over(Chart{Title: "Event streams", About: "open at the service", Y: whole, Lines: []Line{{Name: "streams", Class: "a", Points: streams, Area: true}}}))
	}
	if r.Server.Hits+r.Server.Misses > 0 {
		all = append(all, over(Chart{Title: "Cache", About: "answers in each second", Y: whole, Lines: r.cacheLines(most)}))
	}
	return all
}

// closestTicks is the smallest distance of two ticks, so that their labels do not touch on a telephone.
const closestTicks = 0.14

func megabytes(bytes float64) string { return Number(bytes/1e6, 1) + " MB" }

func whole(n float64) string { return Number(n, 1) }

// percentiles returns the chart of latency by percentile: from left to right, each step leaves a tenth.
func (r *Report) percentiles() Chart {
	p := Chart{Title: "Latency by percentile", About: "of all requests, the failed ones included", Y: ms}
	place := func(percentile float64) float64 { return -math.Log10(max(1-percentile/100, 1e-9)) }
	var points []Point
	for _, rung := range r.Percentiles {
		if rung.Percentile < 100 {
			points = append(points, Point{X: place(rung.Percentile), Y: rung.MS})
			p.XMost = place(rung.Percentile)
		}
	}
	p.XMost = max(p.XMost, 1)
	for _, percentile := range []float64{0, 50, 90, 99, 99.9, 99.99, 99.999} {
		at := place(percentile) / p.XMost
		if n := len(p.XTicks); at <= 1.001 && (n == 0 || at-p.XTicks[n-1].At > closestTicks) {
			p.XTicks = append(p.XTicks, Tick{At: at, Text: Number(percentile, 3) + "%"})
		}
	}
	p.Lines = []Line{{Name: "latency", Class: "a", Points: points, Area: true}}
	return p
}

// recycleTimes returns the times of the readings that had more recycles than the previous one.
func (r *Report) recycleTimes() (at []float64) {
	if r.Server == nil {
		return nil
	}
	for i := 1; i < len(r.Server.Samples); i++ {
		if s := r.Server.Samples[i]; s.Recycled() > r.Server.Samples[i-1].Recycled() {
			at = append(at, min(s.At, max(r.DurationMS/1000, 1)))
		}
	}
	return at
}

func (r *Report) cacheLines(most float64) []Line {
	var hits, misses []Point
	for i := 1; i < len(r.Server.Samples); i++ {
		before, s := r.Server.Samples[i-1], r.Server.Samples[i]
		took := max(s.At-before.At, 1e-3)
		hits = append(hits, Point{X: min(s.At, most), Y: max(0, float64(s.Hits-before.Hits)) / took})
		misses = append(misses, Point{X: min(s.At, most), Y: max(0, float64(s.Misses-before.Misses)) / took})
	}
	return []Line{{Name: "hits", Class: "d", Points: hits, Area: true}, {Name: "misses", Class: "c", Points: misses}}
}
