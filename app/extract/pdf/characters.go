package pdf

import (
	"strings"

	"github.com/klippa-app/go-pdfium/responses"
)

const (
	// nearby is how far outside a rectangle the middle of its characters may be, in points.
	nearby = 0.5
	// mostTried limits how many rectangles are tried per character: a file may have a million of each.
	mostTried = 1000
)

// assignCharacters assigns every character to exactly one rectangle. go-pdfium assigns a character to each rectangle
// that it touches, so that "after" is read as "aftfter" if the pieces "af" and "ter" overlap. Both slices are in the
// order of the file.
func assignCharacters(rects []*responses.GetPageTextStructuredRect, chars []*responses.GetPageTextStructuredChar) {
	texts := make([]strings.Builder, len(rects))
	at := 0
	for _, c := range chars {
		if strings.TrimSpace(c.Text) != "" {
			at = rectOf(rects, at, c.PointPosition)
		}
		if at < len(rects) && c.Text != "\r" && c.Text != "\n" {
			texts[at].WriteString(c.Text)
		}
	}
	for i, r := range rects {
		if s := texts[i].String(); strings.TrimSpace(s) != "" {
			r.Text = s
		}
	}
}

// rectOf finds the rectangle of a character: preferably that of the previous character, or else the next one that
// contains its middle.
func rectOf(rects []*responses.GetPageTextStructuredRect, at int, c responses.CharPosition) int {
	x, y := (c.Left+c.Right)/2, (c.Top+c.Bottom)/2
	for i := range min(len(rects), mostTried) {
		next := (at + i) % len(rects)
		if p := rects[next].PointPosition; x > p.Left-nearby && x < p.Right+nearby && y > p.Bottom-nearby && y < p.Top+nearby {
			return next
		}
	}
	return at
}
