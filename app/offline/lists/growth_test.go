package lists

import (
	"strings"
	"testing"
	"time"

	"studysharper/app/testkit"
)

// TestTimeGrowsWithTheLinesNotWithTheirSquare compares CPU times within one run: sixteen times the
// lines need at most sixteen times the CPU time if the work is linear, and 256 times if it is
// quadratic.
func TestTimeGrowsWithTheLinesNotWithTheirSquare(t *testing.T) {
	for name, unit := range map[string]string{
		"two pairs":        "cell: a room\nwall: a side\nSome prose stands here.\n",
		"two equations":    "cell = a room\nSome prose stands here.\n",
		"two values":       "cell,room\nwall,side\nSome prose stands here.\n",
		"one tab":          "cell\troom\nSome prose stands here.\n",
		"questions alone":  "Q: What is a cell?\nQ: What is a wall?\n",
		"numbered":         "1. What is a cell?\n",
		"headers of none":  "| a | b |\n|---|---|\n\n",
		"terms alone":      "cell\nwall\n",
		"blank lines":      "cell: a room\n\n\n\n\n\n",
		"gaps never ended": "The {{c1::cell is a room.\n",
		"pairs":            "cell: a room\n",
		"one indented":     "cell\n    a room\nSome prose stands here.\n",
	} {
		took := func(bytes int) time.Duration {
			text := strings.Repeat(unit, 1+bytes/len(unit))
			return testkit.ProcessorTime(2, func() { Extract(text) })
		}
		if small, large := took(1<<14), took(1<<18); large > 100*small && large > 100*time.Millisecond {
			t.Errorf("%s: %v for 16 kB, %v for 256 kB", name, small, large)
		}
	}
}
