package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// figures collects what the tests measured; TestMain prints it as one table and leaves it in report/figures.md.
var figures struct {
	mu   sync.Mutex
	rows []string
}

// figure records one measured value; bound is empty where nothing is asserted.
func figure(name, value, bound string) {
	row := fmt.Sprintf("| %-52s | %10s | %10s |", name, value, bound)
	figures.mu.Lock()
	defer figures.mu.Unlock()
	figures.rows = append(figures.rows, row)
	fmt.Println(row)
}

func reportFigures() error {
	figures.mu.Lock()
	defer figures.mu.Unlock()
	head := []string{
		fmt.Sprintf("| %-52s | %10s | %10s |", "figure", "measured", "bound"),
		fmt.Sprintf("| %s | %s: | %s: |", strings.Repeat("-", 52), strings.Repeat("-", 9), strings.Repeat("-", 9)),
	}
	table := strings.Join(append(head, figures.rows...), "\n") + "\n"
	fmt.Print("\n", table)
	if err := os.MkdirAll("report", 0o755); err != nil {
		return fmt.Errorf("making the report's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join("report", "figures.md"), []byte(table), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
