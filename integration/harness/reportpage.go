package harness

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"
)

//go:embed report.gohtml
var reportPage string

//go:embed report.css
var reportStyle string

// page returns the report as a self-contained page: no script, no image, no font. All quoted text is escaped.
func (r report) page() ([]byte, error) {
	page, err := template.New("report").Funcs(template.FuncMap{
		"style":     func() template.CSS { return template.CSS(chartStyle + reportStyle) }, //nolint:gosec // the repository's own
		"chart":     ScenarioRow.chart,
		"megabytes": Megabytes,
		"duration":  lasting,
		"ms":        func(n float64) string { return Short(time.Duration(n * float64(time.Millisecond))) },
		"count":     grouped,
		"verdict":   func(pass bool) string { return map[bool]string{true: "good", false: "bad"}[pass] },
		"word":      func(pass bool) string { return map[bool]string{true: "passed", false: "failed"}[pass] },
	}).Parse(reportPage)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = page.Execute(&b, r)
	return b.Bytes(), err
}

// chart draws the memory over time.
func (r ScenarioRow) chart() template.HTML {
	most := 1.0
	var held, anon, kernel []point
	for _, m := range r.Curve {
		most = max(most, m.At)
		held = append(held, point{X: m.At, Y: float64(m.Held)})
		anon = append(anon, point{X: m.At, Y: float64(m.Anon)})
		kernel = append(kernel, point{X: m.At, Y: float64(m.Kernel)})
	}
	var marks []float64
	for _, at := range r.Marks {
		marks = append(marks, min(at, most))
	}
	about := strings.Join(append([]string{"peak " + Megabytes(r.Peak), r.About}, r.Notes...), "; ")
	var b strings.Builder
	chart{
		Title: r.Name, About: about, Marks: marks, XMost: most, XTicks: secondsAxis(most),
		Limit: float64(r.Bound), LimitName: "bound, " + Megabytes(r.Bound),
		Y: func(bytes float64) string { return number(bytes/1e6, 1) + " MB" },
		Lines: []line{{Name: "held", Class: "a", Points: held, Area: true},
			{Name: "anonymous", Class: "d", Points: anon}, {Name: "kernel", Class: "k", Points: kernel}},
	}.Write(&b)
	return template.HTML(b.String()) //nolint:gosec // the chart has escaped quoted text
}

// Recycled returns how many workers were replaced, for any reason.
func (r ScenarioRow) Recycled() (n int) {
	for _, some := range r.Recycles {
		n += some
	}
	return n
}

// Timed returns the scenarios that have latencies.
func (r report) Timed() (some []ScenarioRow) {
	for _, row := range r.Memory {
		if row.Latency != nil {
			some = append(some, row)
		}
	}
	return some
}

// Tiles returns the figures at the top of the page.
func (r report) Tiles() []figureRow {
	var peak, requests, failed, kills int64
	held, well := 0, 0
	var tiles []figureRow
	for _, row := range r.Memory {
		peak, requests, failed, kills = max(peak, row.Peak), requests+row.Requests, failed+row.Failed, kills+row.OOMKills
		if row.Pass {
			held++
		}
		if row.Slope != nil {
			tiles = append(tiles, figureRow{Name: "growth in the soak", Measured: fmt.Sprintf("%.0f kB/min", row.Slope.PerMinute/1e3)})
		}
	}
	for _, row := range r.Faults {
		if row.Pass {
			well++
		}
	}
	if n := len(r.Memory); n > 0 {
		tiles = append([]figureRow{{Name: "memory bounds held", Measured: fmt.Sprintf("%d of %d", held, n)}, {Name: "highest peak", Measured: Megabytes(peak)},
			{Name: "requests", Measured: grouped(requests)}, {Name: "failed", Measured: grouped(failed)}, {Name: "OOM kills", Measured: grouped(kills)}}, tiles...)
	}
	if n := len(r.Faults); n > 0 {
		tiles = append(tiles, figureRow{Name: "faults survived", Measured: fmt.Sprintf("%d of %d", well, n)})
	}
	return tiles
}
