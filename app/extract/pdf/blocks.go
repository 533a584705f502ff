package pdf

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/text"
)

const (
	headingScale  = 1.15 // minimum size of a heading relative to the text
	maxHeading    = 200  // characters
	headingLevels = 4
	// paragraphPitch is the line distance, in font sizes, from which two lines are probably separate paragraphs.
	paragraphPitch = 1.9
)

// writePages writes the pages as Markdown. Headings are recognized by the text size of the whole document.
func writePages(pages []page, w Writer) {
	b := &blocks{w: w}
	b.measure(pages)
	for i, p := range pages {
		if w.Full() {
			return
		}
		w.Page(i + 1)
		for j, c := range p.columns {
			b.column(c, j == 0, j == len(p.columns)-1)
		}
	}
}

// blocks turns lines into headings, paragraphs, lists and tables.
type blocks struct {
	w      Writer
	body   float64   // size of the body text
	levels []float64 // sizes of headings, the largest first
}

// measure determines the size of the body text, the median of all characters, and the larger sizes.
func (b *blocks) measure(pages []page) {
	characters := map[float64]int{}
	for _, p := range pages {
		for _, c := range p.columns {
			for _, l := range c.lines {
				characters[roundSize(l.size)] += utf8.RuneCountInString(l.text)
			}
		}
	}
	heights := make([]float64, 0, len(characters))
	total := 0
	for h, n := range characters {
		heights, total = append(heights, h), total+n
	}
	slices.Sort(heights)
	for sum, i := 0, 0; i < len(heights); i++ { // the size of the median character
		if sum += characters[heights[i]]; sum*2 >= total {
			b.body = heights[i]
			break
		}
	}
	for _, h := range slices.Backward(heights) {
		if h < b.body*headingScale || len(b.levels) == headingLevels {
			break
		}
		if n := len(b.levels); n == 0 || h < b.levels[n-1]*0.93 {
			b.levels = append(b.levels, h)
		}
	}
}

func roundSize(s float64) float64 { return math.Round(s*2) / 2 }

// level returns the heading level of a line; 0 = the line is text.
func (b *blocks) level(l line) int {
	h := roundSize(l.size)
	if h < b.body*headingScale || utf8.RuneCountInString(l.text) > maxHeading || !hasLetters(l.text) {
		return 0
	}
	for i, of := range b.levels {
		if h >= of*0.93 {
			return i + 1
		}
	}
	return len(b.levels)
}

func hasLetters(s string) bool {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n >= 2
}

// column writes the lines of a column. A number alone in a page's first or last line is a page number and is left out.
func (b *blocks) column(c column, first, last bool) {
	lines := c.lines
	if n := len(lines); first && n > 1 && isPageNumber(lines[0].text) {
		lines = lines[1:]
	}
	if n := len(lines); last && n > 1 && isPageNumber(lines[n-1].text) {
		lines = lines[:n-1]
	}
	pitch := typicalPitch(lines)
	for i := 0; i < len(lines); {
		n := tableRows(lines[i:])
		switch level := b.level(lines[i]); {
		case n > 0:
			b.table(lines[i : i+n])
		case level > 0:
			n = b.heading(lines[i:], level)
		default:
			n = b.paragraph(lines[i:], c, pitch)
		}
		i += n
	}
}

func isPageNumber(s string) bool {
	s = strings.Trim(s, " -–—.")
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// typicalPitch returns the distance between lines of a paragraph. It is the lower quartile of all distances, because on
// a page of lists and headings most of them are between paragraphs.
func typicalPitch(lines []line) float64 {
	var all []float64
	for i := 1; i < len(lines); i++ {
		if d := lines[i-1].base - lines[i].base; d > 0.9*lines[i].size { // smaller distances are between parts of a formula
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/4]
}

// heading writes a heading, including following lines of the same size.
func (b *blocks) heading(lines []line, level int) (n int) {
	text := lines[0].text
	for n = 1; n < len(lines) && n < 3; n++ {
		near := lines[n-1].base-lines[n].base < 1.6*lines[n-1].size
		if b.level(lines[n]) != level || !near || utf8.RuneCountInString(text) > maxHeading/2 {
			break
		}
		text = joinLines(text, lines[n].text)
	}
	b.w.Heading(level, finish(text))
	return n
}

// marker matches the beginning of a list item.
var marker = text.Pattern(`^(?:([•◦▪●○■□‣∙·–−*-])|(\d{1,2})[.)]|\(?([a-z])\))\s+(\S.*)$`)

// paragraph writes a paragraph or a list item.
func (b *blocks) paragraph(lines []line, c column, pitch float64) (n int) {
	text := lines[0].text
	item := marker().FindStringSubmatch(strings.TrimSpace(text))
	for n = 1; n < len(lines); n++ {
		if b.begins(lines[n-1], lines[n:], c, pitch, item != nil) || item != nil && lines[n].left < lines[0].left-0.5*lines[0].size {
			break
		}
		text = joinLines(text, lines[n].text)
	}
	text = finish(text)
	if item == nil {
		b.w.Block(text)
		return n
	}
	item = marker().FindStringSubmatch(text)
	switch {
	case item == nil:
		b.w.Block(text)
	case item[2] != "":
		number, _ := strconv.Atoi(item[2])
		b.w.Item(0, number, item[4])
	case item[3] != "":
		b.w.Item(0, 0, item[3]+") "+item[4])
	default:
		b.w.Item(0, 0, item[4])
	}
	return n
}

// begins reports whether the first of lines begins a new block after the line before.
func (b *blocks) begins(before line, lines []line, c column, pitch float64, inItem bool) bool {
	next := lines[0]
	distance := before.base - next.base
	broken := strings.HasSuffix(before.text, string(hyphen))
	switch {
	case b.level(next) > 0, tableRows(lines) > 0:
		return true
	case broken:
		return false
	case marker().MatchString(strings.TrimSpace(next.text)):
		return true
	case pitch > 0 && distance > 1.3*pitch, distance < 0, distance > 2.5*max(before.height(), next.height()):
		return true
	case endsSentence(before.text) && distance > paragraphPitch*before.size: // lines of a paragraph are rarely this far apart
		return true
	case isRightToLeft(next.text):
		return before.left > c.left+(c.right-c.left)*0.2 && endsSentence(before.text)
	}
	indented := next.left-before.left > 0.8*next.height()
	short := before.right < c.right-max((c.right-c.left)*0.15, firstWord(next))
	return indented && !inItem && endsSentence(before.text) || short && endsSentence(before.text)
}

// firstWord returns the width of a line's first word and a space. If there had been room, the word would be on the
// previous line.
func firstWord(l line) float64 {
	word, _, _ := strings.Cut(l.text, " ")
	return l.width() * float64(utf8.RuneCountInString(word)+1) / float64(max(utf8.RuneCountInString(l.text), 1))
}

func endsSentence(s string) bool {
	s = strings.TrimRight(s, " \"'”’)»")
	last, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(".!?:…。！？؟", last)
}

// joinLines joins two lines: it rejoins a hyphenated word, and adds no space between Chinese or Japanese characters.
func joinLines(a, b string) string {
	a, b = strings.TrimRight(a, " "), strings.TrimLeft(b, " ")
	if whole, parted := strings.CutSuffix(a, string(hyphen)); parted {
		return whole + b
	}
	last, _ := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	if isWide(last) && isWide(first) {
		return a + b
	}
	return a + " " + b
}

func isWide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef
}

// finish removes hyphenation marks, or replaces a mark by a hyphen where no line followed.
func finish(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(s, string(hyphen)+" ", ""), string(hyphen), "-"))
}

const leastRows = 3

// tableRows returns how many of the lines form a table: three or more with the same number of cells, aligned with each
// other; 0 = they do not form a table.
func tableRows(lines []line) (n int) {
	columns := len(lines[0].cells)
	if columns < 2 {
		return 0
	}
	for n = 1; n < len(lines) && len(lines[n].cells) == columns && aligned(lines[n-1], lines[n]); n++ {
	}
	if n < leastRows {
		return 0
	}
	return n
}

// aligned reports whether the cells of two lines share their left edge, right edge or middle.
func aligned(a, b line) bool {
	for i := range a.cells {
		p, q := a.cells[i], b.cells[i]
		near := min(math.Abs(p.left-q.left), math.Abs(p.right-q.right), math.Abs(p.left+p.right-q.left-q.right)/2)
		if near > 0.4*max(p.height(), q.height()) {
			return false
		}
	}
	return a.bottom-b.bottom < 4*max(a.height(), b.height())
}

func (b *blocks) table(lines []line) {
	rows := make([][]string, len(lines))
	for i, l := range lines {
		for _, cell := range l.cells {
			rows[i] = append(rows[i], finish(cell.text))
		}
	}
	b.w.Table(rows)
}
