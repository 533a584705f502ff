// Package lists finds the cards that a student has already written: terms with definitions, tables
// of two columns, questions with answers, gap texts. Its main idea: such lists are recognised by their
// punctuation alone, so that they are used as typed in any language.
package lists

import (
	"strconv"
	"strings"
)

// Kind is the kind of a Card.
type Kind int

// The kinds of card.
const (
	Term     Kind = iota // Front is a term, Back its meaning or counterpart
	Question             // Front is a question, Back its answer
	Gap                  // Front is a text with "[...]", Back the missing part
)

// A Card is an entry of a list, as typed.
type Card struct {
	Kind        Kind
	Front, Back string
	Column      string // the heading of Back's column in a table, or ""
	Text        string // the entry as one line
}

// mark begins a line that replaces a card.
const mark = "\x01"

// Extract removes the lists from cleaned lines. In rest, each entry is replaced by a paragraph
// from which Index reads its number.
func Extract(lines string) (cards []Card, rest string) {
	r := newReader(lines)
	var out []string
	for i := 0; i < len(r.lines); {
		found, next := r.listAt(i)
		if next == i {
			out = append(out, r.lines[i])
			i++
			continue
		}
		for _, c := range found {
			out = append(out, "", mark+strconv.Itoa(len(cards))+".", "") // with a full stop, so that it does not look like a heading
			cards = append(cards, c)
		}
		i = next
	}
	return cards, strings.Join(out, "\n")
}

// Index returns the number of the card that a paragraph of Extract's rest replaces. It returns
// ok = false for other paragraphs.
func Index(paragraph string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(paragraph, mark)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSuffix(digits, "."))
	return n, err == nil
}

// A reader reads lists from lines.
type reader struct {
	lines      []string
	begin, end int // the lines from the first to the last that are not blank; end is the one after it
}

func newReader(lines string) *reader {
	r := &reader{lines: strings.Split(lines, "\n")}
	for r.end = len(r.lines); r.end > 0 && r.blank(r.end-1); r.end-- {
	}
	for r.begin < r.end && r.blank(r.begin) {
		r.begin++
	}
	return r
}

// flat returns line i without the mark of its list item and without spaces around it.
func (r *reader) flat(i int) string {
	return strings.TrimSpace(itemText(strings.TrimSpace(r.lines[i])))
}

func (r *reader) blank(i int) bool { return i < len(r.lines) && strings.TrimSpace(r.lines[i]) == "" }

// listAt returns the cards of the list that begins at line i, and the line after it. It returns
// next = i if there is no list.
func (r *reader) listAt(i int) (cards []Card, next int) {
	flat := strings.TrimSpace(r.lines[i])
	if flat == "" {
		return nil, i
	}
	if flat[0] == '#' {
		return r.answers(i)
	}
	for _, read := range []func(int) ([]Card, int){r.gaps, r.table, r.answers, r.pairs, r.indented} {
		if cards, next = read(i); next > i {
			return cards, next
		}
	}
	return nil, i
}

// itemText returns a line without the mark of its list item.
func itemText(flat string) string {
	for _, m := range []string{"- ", "* ", "+ ", "• ", "‣ ", "◦ ", "▪ ", "· ", "– ", "— "} {
		if rest, ok := strings.CutPrefix(flat, m); ok {
			return rest
		}
	}
	if len(flat) > 3 && flat[0] >= 'a' && flat[0] <= 'z' && flat[1:3] == ") " {
		return flat[3:]
	}
	if n := numberMark(flat); n > 0 {
		return flat[n:]
	}
	return flat
}

// numberMark returns the length of "12. " or "12) " at the start of a line, or 0.
func numberMark(flat string) int {
	i := 0
	for i < len(flat) && i < 3 && flat[i] >= '0' && flat[i] <= '9' {
		i++
	}
	if i > 0 && i+1 < len(flat) && (flat[i] == '.' || flat[i] == ')') && flat[i+1] == ' ' {
		return i + 2
	}
	return 0
}

// Bounds of a card, in bytes.
const (
	maxFront = 300
	maxBack  = 600
)

// newCard makes a card. It returns ok = false if a side is missing or too long.
func newCard(kind Kind, front, back, text string) (Card, bool) {
	front, back = strings.TrimSpace(front), strings.TrimSpace(back)
	return Card{Kind: kind, Front: front, Back: back, Text: text}, front != "" && back != "" && len(front) <= maxFront && len(back) <= maxBack
}
