package pdf

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

const (
	// maxSplits limits how often a page is split: four columns at most.
	maxSplits = 2
	// leastLines is the minimum number of adjacent lines in two columns.
	leastLines = 4
	// leastRunes is the minimum length of a column's lines: table cells are shorter.
	leastRunes = 16
)

// splitColumns divides the cells of a region into groups in reading order: the two columns of a text one after the
// other, and cells that span both, such as a title, before or after them.
func splitColumns(cells []piece, depth int) [][]piece {
	gutter, found := findGutter(cells)
	if !found || depth >= maxSplits {
		return [][]piece{cells}
	}
	sorted := slices.Clone(cells)
	slices.SortStableFunc(sorted, func(a, b piece) int { return cmp.Compare(b.top, a.top) })
	var groups [][]piece
	var left, right, across []piece
	flush := func() {
		for _, side := range [][]piece{left, right} {
			if len(side) > 0 {
				groups = append(groups, splitColumns(side, depth+1)...)
			}
		}
		left, right = nil, nil
	}
	rightToLeft := mostlyRightToLeft(cells)
	for _, c := range sorted {
		side := &left
		switch {
		case c.left < gutter && c.right > gutter:
			flush()
			across = append(across, c)
			continue
		case (c.left >= gutter) != rightToLeft:
			side = &right
		}
		if len(across) > 0 {
			groups = append(groups, across)
			across = nil
		}
		*side = append(*side, c)
	}
	flush()
	if len(across) > 0 {
		groups = append(groups, across)
	}
	return groups
}

func mostlyRightToLeft(cells []piece) bool {
	n := 0
	for _, c := range cells {
		if isRightToLeft(c.text) {
			n++
		}
	}
	return n > len(cells)/2
}

// findGutter finds the gap between two columns: the middle of the widest strip that few cells cross, with lines of text
// on both sides.
func findGutter(cells []piece) (x float64, found bool) {
	if len(cells) < 2*leastLines {
		return 0, false
	}
	left, right := cells[0].left, cells[0].right
	for _, c := range cells {
		left, right = min(left, c.left), max(right, c.right)
	}
	const steps = 200
	width := (right - left) / steps
	if width <= 0 {
		return 0, false
	}
	var crossed [steps]int
	for _, c := range cells {
		from, to := int((c.left-left)/width), int((c.right-left)/width)
		for i := max(from, 0); i <= min(to, steps-1); i++ {
			crossed[i]++
		}
	}
	best, bestWidth := 0.0, 0
	for i := steps / 5; i < steps*4/5; i++ {
		run := 0
		for i+run < steps*4/5 && crossed[i+run] <= len(cells)/5 {
			run++
		}
		if run > bestWidth {
			if at := left + (float64(i)+float64(run)/2)*width; hasColumns(cells, at) {
				best, bestWidth = at, run
			}
		}
		i += run
	}
	return best, bestWidth > 0
}

// hasColumns reports whether there is a column of text on both sides of x: enough adjacent lines that are as long as
// prose and fill their side.
func hasColumns(cells []piece, x float64) bool {
	var left, right []piece
	for _, c := range cells {
		switch {
		case c.right <= x:
			left = append(left, c)
		case c.left >= x:
			right = append(right, c)
		}
	}
	return len(left) >= leastLines && len(right) >= leastLines && isProse(left) && isProse(right) && sideBySide(left, right) >= leastLines
}

func isProse(cells []piece) bool {
	runes, widths := make([]int, len(cells)), make([]float64, len(cells))
	from, to := cells[0].left, cells[0].right
	for i, c := range cells {
		runes[i], widths[i] = utf8.RuneCountInString(c.text), c.width()
		from, to = min(from, c.left), max(to, c.right)
	}
	slices.Sort(runes)
	slices.Sort(widths)
	return runes[len(runes)/2] >= leastRunes && widths[len(widths)/2] >= (to-from)*0.5
}

// sideBySide counts the lines on the left that are within the height of the right side.
func sideBySide(left, right []piece) (n int) {
	top, bottom := right[0].top, right[0].bottom
	for _, c := range right {
		top, bottom = max(top, c.top), min(bottom, c.bottom)
	}
	for _, c := range left {
		if c.bottom < top && c.top > bottom {
			n++
		}
	}
	return n
}
