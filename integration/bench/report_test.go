package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"studysharper/integration/harness"
)

// benchRow is one line of the table.
type benchRow struct {
	Part     string  `json:"part"`
	Name     string  `json:"figure"`
	N        int     `json:"n"` // number of measurements
	Measured string  `json:"measured"`
	Value    float64 `json:"value"` // bytes, seconds or a count
	Goal     string  `json:"goal"`  // "" = no goal
	Pass     bool    `json:"pass"`
	Note     string  `json:"note,omitempty"`
}

// reportFolder also contains the report of all packages.
const reportFolder = "../report"

// benchReport contains the measurements of all parts.
type benchReport struct{ rows []benchRow }

func (r *benchReport) has(part string) bool {
	return slices.ContainsFunc(r.rows, func(row benchRow) bool { return row.Part == part })
}

// add adds a row, prints it, and fails the part if its goal is missed.
func (b *bench) add(row benchRow) {
	b.Helper()
	row.Part = b.part
	b.report.rows = append(b.report.rows, row)
	fmt.Println(row.line())
	if row.Goal != "" && !row.Pass {
		b.Errorf("%s: %s of n = %d, the goal is %s", row.Name, row.Measured, row.N, row.Goal)
	}
}

func (r benchRow) line() string {
	verdict := ""
	if r.Goal != "" {
		verdict = map[bool]string{true: "yes", false: "NO"}[r.Pass]
	}
	line := fmt.Sprintf("| %-13s | %-58s | %7d | %11s | %9s | %4s |", r.Part, r.Name, r.N, r.Measured, r.Goal, verdict)
	if r.Note != "" {
		line += " " + r.Note
	}
	return line
}

// zero adds a count that must be 0, out of n > 0.
func (b *bench) zero(name string, count, n int) {
	b.Helper()
	b.add(benchRow{Name: name, N: n, Measured: fmt.Sprint(count), Value: float64(count), Goal: "0", Pass: count == 0 && n > 0})
}

// exactly adds a count that must equal want.
func (b *bench) exactly(name string, count, want, n int) {
	b.Helper()
	b.add(benchRow{Name: name, N: n, Measured: fmt.Sprint(count), Value: float64(count), Goal: fmt.Sprint(want), Pass: count == want})
}

// bytes adds an amount of memory; goal 0 = no goal.
func (b *bench) bytes(name string, bytes, goal int64, n int, note string) {
	b.Helper()
	row := benchRow{Name: name, N: n, Measured: harness.Amount(bytes), Value: float64(bytes), Note: note}
	if goal > 0 {
		row.Goal, row.Pass = "≤ "+harness.Amount(goal), bytes <= goal && n > 0
	}
	b.add(row)
}

// took adds a time; goal 0 = no goal.
func (b *bench) took(name string, d, goal time.Duration, n int, note string) {
	b.Helper()
	row := benchRow{Name: name, N: n, Measured: harness.Short(d), Value: d.Seconds(), Note: note}
	if goal > 0 {
		row.Goal, row.Pass = "≤ "+harness.Short(goal), d <= goal && n > 0
	}
	b.add(row)
}

// tell adds a count without a goal.
func (b *bench) tell(name string, count, n int, note string) {
	b.Helper()
	b.add(benchRow{Name: name, N: n, Measured: fmt.Sprint(count), Value: float64(count), Note: note})
}

// write prints the complete table, and stores it as JSON in report/NAME.json.
func (r *benchReport) write(name string) error {
	fmt.Printf("\n| %-13s | %-58s | %7s | %11s | %9s | %4s |\n|%s|\n", "part", "figure", "n", "measured", "goal", "pass",
		strings.Repeat("-", 15)+"|"+strings.Repeat("-", 60)+"|--------:|------------:|----------:|------")
	missed := 0
	for _, row := range r.rows {
		fmt.Println(row.line())
		if row.Goal != "" && !row.Pass {
			missed++
		}
	}
	fmt.Printf("\n%d figures, %d goals missed\n", len(r.rows), missed)
	text, err := json.MarshalIndent(r.rows, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(reportFolder, 0o755); err != nil {
		return fmt.Errorf("making the report's folder: %w", err)
	}
	return os.WriteFile(filepath.Join(reportFolder, name+".json"), append(text, '\n'), 0o644)
}
