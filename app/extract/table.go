package extract

import "strings"

// Limits of a table; anything beyond them is dropped.
const (
	maxRows    = 20_000
	maxColumns = 64
)

// table collects the cells of a table. The zero value is ready for use.
type table struct {
	rows    [][]string
	covered int // further columns that the current cell covers
}

func (t *table) row() {
	t.cover()
	if len(t.rows) < maxRows {
		t.rows = append(t.rows, nil)
	}
}

// cell begins a cell.
func (t *table) cell() {
	t.cover()
	t.add()
}

func (t *table) add() {
	if n := len(t.rows); n > 0 && len(t.rows[n-1]) < maxColumns {
		t.rows[n-1] = append(t.rows[n-1], "")
	}
}

// span sets the number of columns that the current cell covers.
func (t *table) span(columns int) { t.covered = min(max(columns-1, 0), maxColumns) }

// cover adds the empty cells of a span.
func (t *table) cover() {
	for ; t.covered > 0; t.covered-- {
		t.add()
	}
}

// write adds a paragraph to the current cell.
func (t *table) write(text string) {
	n := len(t.rows)
	if n == 0 || len(t.rows[n-1]) == 0 {
		return
	}
	row := t.rows[n-1]
	if text = oneLine(text); text != "" {
		last := &row[len(row)-1]
		*last = strings.TrimSpace(*last + " " + text)
	}
}

// trimmed returns the table without the empty rows and columns at its end.
func (t *table) trimmed() [][]string {
	t.cover()
	width, height := 0, 0
	for i, row := range t.rows {
		for j, cell := range row {
			if cell != "" {
				width, height = max(width, j+1), i+1
			}
		}
	}
	rows := t.rows[:height]
	for i, row := range rows {
		rows[i] = row[:min(len(row), width)]
	}
	return rows
}

// flat returns the table as one line, for a table inside a cell.
func (t *table) flat() string {
	lines := make([]string, 0, len(t.rows))
	for _, row := range t.trimmed() {
		lines = append(lines, strings.Join(row, " "))
	}
	return strings.Join(lines, "; ")
}
