package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	sheets "studysharper/loadtest/measure"
)

const (
	reportFolder = "report" // git-ignored
	reportJSON   = "report.json"
	reportHTML   = "report.html"
)

// report is all that a run has measured: plain data, of which report.json and report.html are made.
type report struct {
	Began    time.Time     `json:"began"`
	Seconds  float64       `json:"seconds"`
	Pass     bool          `json:"pass"`
	Versions versions      `json:"versions"`
	Machine  machine       `json:"machine"`
	Memory   []scenarioRow `json:"memory"`
	Faults   []faultRow    `json:"faults"`
	Figures  []figureRow   `json:"figures"`
}

// scenarioRow is what came of one memory scenario; memory in bytes.
type scenarioRow struct {
	Name      string           `json:"name"`
	About     string           `json:"about"`
	Pass      bool             `json:"pass"`
	Bound     int64            `json:"bound"`
	Peak      int64            `json:"peak"`
	After     int64            `json:"after"`
	OOMKills  int64            `json:"oom_kills"`
	LimitHits int64            `json:"limit_hits"`
	Requests  int64            `json:"requests"`
	Failed    int64            `json:"failed"`
	Failures  map[string]int64 `json:"failures,omitempty"`
	Latency   *sheets.Summary  `json:"latency,omitempty"`
	Ladder    []sheets.Rung    `json:"percentiles,omitempty"`
	Recycles  map[string]int   `json:"recycles,omitempty"`
	Marks     []float64        `json:"recycled_at,omitempty"` // seconds since the curve began
	Slope     *slope           `json:"slope,omitempty"`
	Notes     []string         `json:"notes,omitempty"`
	Curve     []moment         `json:"curve,omitempty"`
}

// take takes in what was sampled.
func (r *scenarioRow) take(s *sampler) {
	r.After, r.OOMKills, r.LimitHits, r.Curve = s.last.held(), s.last.oomKills, s.last.limitHits, s.curve.moments
}

// figureRow is one measured value; bound is empty where nothing is asserted.
type figureRow struct {
	Name     string `json:"figure"`
	Measured string `json:"measured"`
	Bound    string `json:"bound,omitempty"`
}

func (f figureRow) line() string {
	return fmt.Sprintf("| %-52s | %10s | %10s |", f.Name, f.Measured, f.Bound)
}

// collected rows, of tests that may run at once.
type collected[T any] struct {
	mu   sync.Mutex
	rows []T
}

func (c *collected[T]) add(row T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows = append(c.rows, row)
}

// all are the rows so far; not nil, so that JSON has a list.
func (c *collected[T]) all() []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]T{}, c.rows...)
}

// figures and scenarios are what the tests measured; TestMain makes the report of them.
var (
	figures   collected[figureRow]
	scenarios collected[scenarioRow]
)

// figure records one measured value.
func figure(name, value, bound string) {
	row := figureRow{name, value, bound}
	figures.add(row)
	fmt.Println(row.line())
}

// newReport is the report of all that was measured since began.
func newReport(began time.Time, pass bool) report {
	return report{
		Began: began.UTC().Round(time.Millisecond), Seconds: time.Since(began).Seconds(), Pass: pass,
		Versions: versionsNow(), Machine: machineNow(),
		Memory: scenarios.all(), Faults: append([]faultRow{}, incidents.rows...), Figures: figures.all(),
	}
}

// table is the figures as Markdown.
func (r report) table() string {
	var b strings.Builder
	fmt.Fprintln(&b, figureRow{"figure", "measured", "bound"}.line())
	fmt.Fprintf(&b, "| %s | %s: | %s: |\n", strings.Repeat("-", 52), strings.Repeat("-", 9), strings.Repeat("-", 9))
	for _, row := range r.Figures {
		fmt.Fprintln(&b, row.line())
	}
	return b.String()
}

// write leaves the report in a folder, as JSON and as a page, and returns where the page is.
func (r report) write(folder string) (page string, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("making the report's folder: %w", err)
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return "", fmt.Errorf("writing the report: %w", err)
	}
	html, err := r.page()
	if err != nil {
		return "", fmt.Errorf("writing the report's page: %w", err)
	}
	page = filepath.Join(folder, reportHTML)
	for file, text := range map[string][]byte{filepath.Join(folder, reportJSON): text, page: html} {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return "", fmt.Errorf("writing the report: %w", err)
		}
	}
	return page, nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
