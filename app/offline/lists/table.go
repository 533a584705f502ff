package lists

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table reads a table of two columns. It consumes a larger one without making cards, because its rows
// are data, not something to memorise.
func (r *reader) table(i int) ([]Card, int) {
	var rows [][]string
	ruled := false
	next := i
	for ; next < len(r.lines); next++ {
		flat := strings.TrimSpace(r.lines[next])
		if !strings.HasPrefix(flat, "|") && (!strings.Contains(flat, " | ") || !r.ruleAt(i+1) && next == i) {
			break
		}
		if r.ruleAt(next) {
			ruled = true
			continue
		}
		rows = append(rows, cells(flat))
	}
	if len(rows) < 2 || !strings.HasPrefix(strings.TrimSpace(r.lines[i]), "|") && !ruled {
		return nil, i
	}
	return rowCards(rows, ruled || isHeader(rows)), next
}

// ruleAt reports whether line i is the rule below a table's header.
func (r *reader) ruleAt(i int) bool {
	if i >= len(r.lines) {
		return false
	}
	flat := strings.TrimSpace(r.lines[i])
	return strings.Contains(flat, "--") && strings.Contains(flat, "|") && strings.Trim(flat, "|-: ") == ""
}

func cells(row string) []string {
	row = strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|")
	parts := strings.Split(row, "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func isPlainHeader(s string) bool { return slices.Contains(plainHeaders, strings.ToLower(s)) }

// rowCards makes a card from each row of two cells, or from the first two cells if the header names them as two sides.
func rowCards(rows [][]string, header bool) []Card {
	column, wide := "", false
	if header {
		wide = len(rows[0]) > 2 && isPlainHeader(rows[0][0]) && isPlainHeader(rows[0][1])
		if len(rows[0]) == 2 && !isPlainHeader(rows[0][1]) {
			column = rows[0][1]
		}
		rows = rows[1:]
	}
	var cards []Card
	for _, row := range rows {
		if len(row) != 2 && (!wide || len(row) < 2) {
			continue
		}
		kind := Term
		if endsAsQuestion(row[0]) {
			kind = Question
		}
		if c, ok := newCard(kind, row[0], row[1], row[0]+": "+row[1]); ok {
			c.Column = column
			cards = append(cards, c)
		}
	}
	return cards
}

// plainHeaders are headings of columns that only name the two sides of a card.
var plainHeaders = []string{
	"front", "back", "term", "definition", "definitions", "question", "answer", "word", "meaning", "translation", "key", "value", "concept", "explanation", "description", "notes", "tags",
	"begriff", "definición", "définition", "bedeutung", "frage", "antwort", "terme", "término", "mot", "palabra", "wort", "übersetzung", "traduction", "traducción", "significado", "english", "german", "french", "spanish", "deutsch", "français", "español", "englisch",
}

// isHeader reports whether the first row of a list contains the headings of its columns: known words, or
// lower case if all other rows begin with capitals.
func isHeader(rows [][]string) bool {
	if slices.ContainsFunc(rows[0], isPlainHeader) {
		return len(rows) > 1
	}
	if len(rows) < 3 {
		return false
	}
	small := func(row []string) bool {
		return !slices.ContainsFunc(row, func(s string) bool { r, _ := utf8.DecodeRuneInString(s); return !unicode.IsLower(r) })
	}
	return small(rows[0]) && !slices.ContainsFunc(rows[1:], func(row []string) bool { r, _ := utf8.DecodeRuneInString(row[0]); return unicode.IsLower(r) })
}
