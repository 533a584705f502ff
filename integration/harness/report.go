package harness

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

// FaultRow is the outcome of one fault.
type FaultRow struct {
	ID    string   `json:"id"`
	Fault string   `json:"fault"`
	Sees  string   `json:"clients_see"`
	Lost  string   `json:"lost"`
	Bound float64  `json:"well_within_s,omitempty"`
	Took  float64  `json:"well_after_s,omitempty"`
	Notes []string `json:"notes,omitempty"`
	Held  string   `json:"held_by"`
	Pass  bool     `json:"pass"`
}

const (
	reportFolder = repository + "/integration/report" // git-ignored
	reportJSON   = "report.json"
	reportHTML   = "report.html"
	partSuffix   = ".part.json"
)

// report contains all figures of a run: plain data, from which report.json and report.html are generated. Each test
// package writes a part of it.
type report struct {
	Name     string        `json:"name,omitempty"` // of the test package
	Began    time.Time     `json:"began"`
	Seconds  float64       `json:"seconds"`
	Pass     bool          `json:"pass"`
	Versions versions      `json:"versions"`
	Machine  machine       `json:"machine"`
	Memory   []ScenarioRow `json:"memory"`
	Faults   []FaultRow    `json:"faults"`
	Figures  []figureRow   `json:"figures"`
}

// ScenarioRow is the outcome of one memory scenario; memory in bytes.
type ScenarioRow struct {
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
	Slope     *Slope           `json:"slope,omitempty"`
	Notes     []string         `json:"notes,omitempty"`
	Curve     []moment         `json:"curve,omitempty"`
}

// Take copies the results of a sampler.
func (r *ScenarioRow) Take(s *Sampler) {
	r.After, r.OOMKills, r.LimitHits, r.Curve = s.last.Held(), s.last.OomKills, s.last.limitHits, s.Curve.Moments
}

// figureRow is one measured value; bound is empty if nothing is asserted.
type figureRow struct {
	Name     string `json:"figure"`
	Measured string `json:"measured"`
	Bound    string `json:"bound,omitempty"`
}

func (f figureRow) line() string {
	return fmt.Sprintf("| %-52s | %10s | %10s |", f.Name, f.Measured, f.Bound)
}

// collected gathers rows from tests that may run concurrently.
type collected[T any] struct {
	mu   sync.Mutex
	rows []T
}

func (c *collected[T]) add(row T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows = append(c.rows, row)
}

// all returns the rows so far; not nil, so that JSON has a list.
func (c *collected[T]) all() []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]T{}, c.rows...)
}

// The results of this process's tests.
var (
	figures   collected[figureRow]
	scenarios collected[ScenarioRow]
	faults    collected[FaultRow]
)

// AddScenario adds the outcome of a memory scenario to the report.
func AddScenario(row ScenarioRow) { scenarios.add(row) }

// AddFault adds the outcome of a fault to the report.
func AddFault(row FaultRow) { faults.add(row) }

// Figure records one measured value.
func Figure(name, value, bound string) {
	row := figureRow{name, value, bound}
	figures.add(row)
	fmt.Println(row.line())
}

// newReport returns a package's part of the report, with everything measured since began.
func newReport(name string, began time.Time, pass bool) report {
	return report{
		Name: name, Began: began.UTC().Round(time.Millisecond), Seconds: time.Since(began).Seconds(), Pass: pass,
		Versions: versionsNow(), Machine: machineNow(),
		Memory: scenarios.all(), Faults: faults.all(), Figures: figures.all(),
	}
}

// table returns the figures as Markdown.
func (r report) table() string {
	var b strings.Builder
	fmt.Fprintln(&b, figureRow{"figure", "measured", "bound"}.line())
	fmt.Fprintf(&b, "| %s | %s: | %s: |\n", strings.Repeat("-", 52), strings.Repeat("-", 9), strings.Repeat("-", 9))
	for _, row := range r.Figures {
		fmt.Fprintln(&b, row.line())
	}
	return b.String()
}

// addToReport writes a package's part into a folder, and then the report of all parts in the folder. Packages that end
// at the same time write one after another.
func addToReport(part report, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the report's folder: %w", err)
	}
	unlock, err := lockFile(filepath.Join(folder, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	text, err := json.Marshal(part)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, part.Name+partSuffix), text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing a part of the report: %w", err)
	}
	whole, err := readParts(folder)
	if err != nil {
		return err
	}
	_, err = whole.write(folder)
	return err
}

// readParts joins the parts in a folder, in the order of their names. The versions and the machine are those of the
// newest part.
func readParts(folder string) (whole report, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*"+partSuffix))
	if err != nil {
		return report{}, err
	}
	whole.Pass = len(files) > 0
	var newest time.Time
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return report{}, fmt.Errorf("reading a part of the report: %w", err)
		}
		var part report
		if err := json.Unmarshal(text, &part); err != nil {
			return report{}, fmt.Errorf("reading %s: %w", file, err)
		}
		if whole.Began.IsZero() || part.Began.Before(whole.Began) {
			whole.Began = part.Began
		}
		if part.Began.After(newest) {
			newest, whole.Versions, whole.Machine = part.Began, part.Versions, part.Machine
		}
		whole.Seconds += part.Seconds
		whole.Pass = whole.Pass && part.Pass
		whole.Memory = append(whole.Memory, part.Memory...)
		whole.Faults = append(whole.Faults, part.Faults...)
		whole.Figures = append(whole.Figures, part.Figures...)
	}
	return whole, nil
}

// write writes the report into a folder, as JSON and as a page, and returns the path of the page.
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
