package extract

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writer builds Markdown of at most limit bytes. Blocks are separated by an empty line, list items by a line end. Text
// beyond the limit is dropped; readers check Full to stop early.
type writer struct {
	b      strings.Builder
	limit  int
	full   bool
	page   int  // number of the last page begun
	inList bool // the last block was an item of a list
}

func (w *writer) String() string { return strings.TrimSpace(w.b.String()) + "\n" }

// Full reports whether the limit is reached.
func (w *writer) Full() bool { return w.full }

func (w *writer) add(s string) {
	if w.full {
		return
	}
	s = strings.ReplaceAll(s, "\u00ad", "") // a soft hyphen only marks where a word may be split
	if room := w.limit - 1 - w.b.Len(); len(s) > room {
		w.full = true
		for room = max(room, 0); room > 0 && !utf8.RuneStart(s[room]); room-- {
		}
		s = s[:room]
		if cut := strings.LastIndexAny(s, " \n"); cut > 0 {
			s = s[:cut]
		}
	}
	w.b.WriteString(s)
}

// Block writes a block: a paragraph, a table, a quote. It ignores an empty text.
func (w *writer) Block(text string) {
	if text = tidyLines(text); text == "" {
		return
	}
	w.separate("\n\n")
	w.add(text)
	w.inList = false
}

// Page marks the beginning of a page or slide.
func (w *writer) Page(n int) {
	if w.full {
		return
	}
	w.page = n
	w.separate("\n\n")
	w.add(fmt.Sprintf("<!-- page %d -->", n))
	w.inList = false
}

// Heading writes a heading. Levels are limited to the range from 1 to 6.
func (w *writer) Heading(level int, text string) {
	if text = oneLine(text); text != "" {
		w.Block(strings.Repeat("#", min(max(level, 1), 6)) + " " + text)
	}
}

// Item writes a list item at a depth from 0. number 0 means a bullet.
func (w *writer) Item(depth, number int, text string) {
	if text = tidyLines(text); text == "" {
		return
	}
	depth = min(max(depth, 0), 8)
	indent, marker := strings.Repeat("  ", depth), "- "
	if number > 0 {
		indent, marker = strings.Repeat("   ", depth), fmt.Sprintf("%d. ", number)
	}
	if w.inList {
		w.separate("\n")
	} else {
		w.separate("\n\n")
	}
	hang := "\n" + indent + strings.Repeat(" ", len(marker))
	w.add(indent + marker + strings.ReplaceAll(text, "\n", hang))
	w.inList = true
}

// Table writes rows as a table; the first row is the header. A table with one column becomes paragraphs.
func (w *writer) Table(rows [][]string) {
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	if columns < 2 {
		for _, row := range rows {
			w.Block(strings.Join(row, " "))
		}
		return
	}
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("|")
		for column := range columns {
			cell := ""
			if column < len(row) {
				cell = strings.ReplaceAll(oneLine(row[column]), "|", "\\|")
			}
			b.WriteString(" " + cell + " |")
		}
		b.WriteString("\n")
		if i == 0 {
			b.WriteString("|" + strings.Repeat(" --- |", columns) + "\n")
		}
	}
	w.separate("\n\n")
	w.add(strings.TrimSuffix(b.String(), "\n"))
	w.inList = false
}

// Notes writes a slide's notes.
func (w *writer) Notes(text string) {
	if text = tidyLines(text); text != "" {
		w.Block("> Notes: " + strings.ReplaceAll(text, "\n", "\n> "))
	}
}

func (w *writer) separate(by string) {
	if w.b.Len() > 0 {
		w.add(by)
	}
}

// tidyLines joins runs of spaces and removes empty lines and trailing spaces.
func tidyLines(text string) string {
	lines := strings.Split(text, "\n")
	kept := lines[:0]
	for _, line := range lines {
		if line = oneLine(line); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// hasText reports whether Markdown contains a letter or a digit outside page marks.
func hasText(markdown string) bool {
	for line := range strings.Lines(markdown) {
		if !strings.HasPrefix(line, "<!-- page ") && strings.ContainsFunc(line, isWordRune) {
			return true
		}
	}
	return false
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// countWords counts words; each letter of a script without spaces counts as a word.
func countWords(markdown string) (n int) {
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "<!-- page ") {
			continue
		}
		inside := false
		for _, r := range line {
			switch {
			case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai):
				n, inside = n+1, false
			case isWordRune(r) || unicode.IsMark(r):
				if !inside {
					n++
				}
				inside = true
			case r != '\'' && r != '’' && r != '-':
				inside = false
			}
		}
	}
	return n
}
