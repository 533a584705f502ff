package pdf

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// piece is a text and its rectangle, in points from the lower left corner of the page.
type piece struct {
	text                     string
	left, right, top, bottom float64
	size                     float64 // of the font, in points
	base                     float64 // height of the baseline: the rectangle's bottom depends on its letters
}

const (
	// lowestGlyphs and highestGlyphs limit the height of letters, in sizes of their font.
	lowestGlyphs, highestGlyphs = 0.35, 1.7
	// flat is the maximum height of text whose font has no outlines in the file: for it, PDFium knows only the
	// baseline.
	flat = 0.15
	// ascent and descent are those of a typical font.
	ascent, descent = 0.72, 0.21
)

// sized completes a piece with the font size in the file, unless the height of its letters contradicts it. Text without
// outlines gets the height of a typical font.
func (p piece) sized(stated float64) piece {
	p.base = p.bottom
	switch h := p.height(); {
	case stated > 0 && h < flat*stated && hasLetters(p.text):
		p.top, p.bottom = p.bottom+ascent*stated, p.bottom-descent*stated
		p.size = stated
		return p
	case stated > 0 && h < highestGlyphs*stated && (h > lowestGlyphs*stated || !hasLetters(p.text)):
		p.size = stated
	default:
		p.size = h / (ascent + descent)
	}
	if strings.ContainsFunc(p.text, descends) {
		p.base += descent * p.size
	}
	return p
}

// descends reports whether a letter extends below the baseline. In scripts other than those listed here, all letters
// count as descending.
func descends(r rune) bool {
	if unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew) {
		return strings.ContainsRune("gjpqyçşţрудфцщβγζημξρφχψךןףץק", r)
	}
	return unicode.IsLetter(r) || strings.ContainsRune("()[]{}|", r)
}

func (p piece) height() float64 { return p.top - p.bottom }
func (p piece) width() float64  { return p.right - p.left }

func (p piece) usable() bool {
	return strings.TrimSpace(p.text) != "" && p.height() > 0 && p.width() >= 0 && p.height() < 2000
}

// beside reports whether two pieces are on one line: they overlap by more than half the height of the smaller one.
func (p piece) beside(q piece) bool {
	overlap := min(p.top, q.top) - max(p.bottom, q.bottom)
	return overlap > min(p.height(), q.height())/2
}

// line is a line of text; its cells are separated by more than a word space.
type line struct {
	piece
	cells []piece
}

// page contains a page's columns in reading order.
type page struct{ columns []column }

// column is a sequence of lines from top to bottom.
type column struct {
	lines       []line
	left, right float64
}

// layOut puts the pieces of a page into order.
func layOut(pieces []piece) page {
	cells := joinPieces(pieces)
	var p page
	for _, group := range splitColumns(cells, 0) {
		p.columns = append(p.columns, makeColumn(group))
	}
	return p
}

// joinPieces joins pieces on one line to cells unless the gap between them is wider than a word space.
func joinPieces(pieces []piece) []piece {
	var cells []piece
	for _, l := range groupLines(pieces) {
		slices.SortStableFunc(l, func(a, b piece) int { return cmp.Compare(a.left, b.left) })
		current := l[0]
		for _, next := range l[1:] {
			gap := next.left - current.right
			if gap > max(current.height(), next.height()) {
				cells = append(cells, current)
				current = next
				continue
			}
			current = joinCells(current, next, gap)
		}
		cells = append(cells, current)
	}
	return cells
}

// joinCells appends the right one of two pieces to the left one; in right-to-left text it prepends it.
func joinCells(a, b piece, gap float64) piece {
	space := ""
	if gap > min(a.height(), b.height())*0.12 && !strings.HasSuffix(a.text, " ") && !strings.HasPrefix(b.text, " ") {
		space = " "
	}
	text := a.text + space + b.text
	if isRightToLeft(a.text + b.text) {
		text = b.text + space + a.text
	}
	size, base := a.size, a.base // of the longer text
	if len(b.text) > len(a.text) {
		size, base = b.size, b.base
	}
	return piece{text, min(a.left, b.left), max(a.right, b.right), max(a.top, b.top), min(a.bottom, b.bottom), size, base}
}

// isRightToLeft reports whether most letters are of a right-to-left script.
func isRightToLeft(s string) bool {
	balance := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana):
			balance++
		case unicode.IsLetter(r):
			balance--
		}
	}
	return balance > 0
}

// groupLines groups pieces by line, from top to bottom.
func groupLines(pieces []piece) (lines [][]piece) {
	sorted := slices.Clone(pieces)
	slices.SortStableFunc(sorted, func(a, b piece) int { return cmp.Compare(b.top+b.bottom, a.top+a.bottom) })
	var bounds []piece
	for _, p := range sorted {
		// The line of a piece is near the last one, because pieces are sorted by their middle.
		at := -1
		for i := len(lines) - 1; i >= max(0, len(lines)-3); i-- {
			if bounds[i].beside(p) {
				at = i
				break
			}
		}
		if at < 0 {
			lines, bounds = append(lines, []piece{p}), append(bounds, p)
			continue
		}
		lines[at] = append(lines[at], p)
		if p.height() > bounds[at].height() { // a formula's small symbols do not change the height of the line
			bounds[at].top, bounds[at].bottom = p.top, p.bottom
		}
	}
	return lines
}

func makeColumn(cells []piece) column {
	c := column{}
	for i, group := range groupLines(cells) {
		slices.SortStableFunc(group, func(a, b piece) int { return cmp.Compare(a.left, b.left) })
		l := line{piece: group[0], cells: group}
		for _, cell := range group[1:] {
			l.piece = joinCells(l.piece, cell, l.height())
		}
		if isRightToLeft(l.text) {
			slices.Reverse(l.cells)
		}
		c.lines = append(c.lines, l)
		if i == 0 {
			c.left, c.right = l.left, l.right
		}
		c.left, c.right = min(c.left, l.left), max(c.right, l.right)
	}
	return c
}
