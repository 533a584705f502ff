package lists

import (
	"encoding/csv"
	"slices"
	"strings"
	"unicode"
)

// A form is a way to separate a term from its meaning.
type form struct {
	least int // minimum number of entries in a list
	few   int // minimum if the entries are items of a list, or the only lines
	split func(line string) (row []string, ok bool)
}

// forms are tried in this order.
var forms = []form{
	{2, 2, func(s string) ([]string, bool) { row := strings.Split(s, "\t"); return row, len(row) > 1 }},
	{1, 1, func(s string) ([]string, bool) { return cutAt(s, "::", 12) }},
	{3, 2, splitLabel},
	{2, 2, splitEquals},
	{3, 2, func(s string) ([]string, bool) { return splitCSV(s, ';') }},
	{3, 2, func(s string) ([]string, bool) { return splitCSV(s, ',') }},
	{3, 2, splitBar},
}

// pairs reads a list with one separator.
func (r *reader) pairs(i int) ([]Card, int) {
	for _, f := range forms {
		if rows, next := r.rows(i, f); next > i {
			return pairCards(rows), next
		}
	}
	return nil, i
}

// rows reads entries of a form from line i on. Blank lines and, below an entry, indented lines may be
// between them. It returns next = i if there are too few entries for a list.
func (r *reader) rows(i int, f form) (rows [][]string, next int) {
	end, items := i, true
	for next = i; next < len(r.lines); next++ {
		if len(strings.TrimSpace(r.lines[next])) < 2 && next > i { // blank, or the letter of a glossary
			continue
		}
		flat, last := r.quoted(next)
		if strings.HasPrefix(flat+"#", "#") {
			break // blank, or a heading
		}
		isItem := flat != strings.TrimSpace(r.lines[next])
		if row, ok := f.split(flat); ok && (len(rows) == 0 || len(row) == len(rows[0])) {
			rows = append(rows, row)
			items = items && isItem
		} else if next != end || isItem || !continues(rows, r.lines[next]) {
			break
		}
		next, end = last, last+1
	}
	if least := f.leastOf(items || i <= r.begin && end >= r.end); len(rows) < least {
		return nil, i
	}
	return rows, end
}

// continues adds an indented line to the last entry. It returns false if the line is not indented or there is no entry.
func continues(rows [][]string, line string) bool {
	if len(rows) == 0 || !isIndented(line) {
		return false
	}
	cells := rows[len(rows)-1]
	cells[len(cells)-1] += " " + strings.TrimSpace(line)
	return true
}

// leastOf returns the minimum number of entries; sure means that they are items, or the only lines.
func (f form) leastOf(sure bool) int {
	if sure {
		return f.few
	}
	return f.least
}

// maxQuoted bounds the lines of a quoted value.
const maxQuoted = 8

// quoted returns line i like flat, joined with the lines up to the end of a quoted value, and the index of the last of them.
func (r *reader) quoted(i int) (flat string, last int) {
	flat = r.flat(i)
	if strings.Count(flat, `"`)%2 == 0 || !strings.Contains(flat, `,"`) && !strings.Contains(flat, `;"`) && flat[0] != '"' {
		return flat, i
	}
	long := flat
	for j := i + 1; j < min(len(r.lines), i+maxQuoted); j++ {
		if long += " " + r.flat(j); strings.Count(long, `"`)%2 == 0 {
			return long, j
		}
	}
	return flat, i
}

func isIndented(line string) bool {
	return strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "\t")
}

// pairCards makes a card from the first two cells of each row.
func pairCards(rows [][]string) []Card {
	header := isHeader(rows)
	two := make([][]string, len(rows))
	for i, row := range rows {
		two[i] = []string{strings.TrimSpace(row[0]), strings.TrimSpace(row[1])}
	}
	return rowCards(two, header)
}

// noTerms are labels that do not make a line an entry of a list.
var noTerms = []string{"note", "notes", "example", "examples", "e.g", "input", "output", "source", "sources", "tip", "warning", "hint", "caveat", "figure", "table", "step", "later", "exam tip", "question", "answer", "author", "date", "page", "title", "url", "see also", "themes", "remember", "important", "todo"}

// cutAt splits a line after a term of at most words words.
func cutAt(s, sep string, words int) ([]string, bool) {
	term, rest, ok := strings.Cut(s, sep)
	if !ok && strings.HasSuffix(s, strings.TrimSpace(sep)) {
		return nil, false
	}
	if !ok || !isTerm(term, words) || strings.TrimSpace(rest) == "" {
		return nil, false
	}
	return []string{term, rest}, true
}

// isTerm reports whether s can be the term of an entry.
func isTerm(s string, words int) bool {
	s = strings.TrimSpace(s)
	if words > 8 {
		s = strings.TrimSuffix(s, "?")
	}
	if s == "" || len(s) > 90 || strings.Count(s, " ") >= words || strings.ContainsAny(s, "?!{}") || strings.Contains(s, ". ") || strings.Contains(s, ", ") && words < 8 && strings.Count(s, " ") > 2 {
		return false
	}
	low := strings.TrimRight(strings.ToLower(s), "0123456789. ")
	return !slices.Contains(noTerms, low) && strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// splitEquals splits "term = meaning" but not a formula.
func splitEquals(s string) ([]string, bool) {
	term, rest, ok := strings.Cut(s, " = ")
	if !ok || !isTerm(term, 6) || !strings.ContainsFunc(term, unicode.IsLetter) || strings.ContainsAny(rest, "=+*/^<>") || !strings.ContainsFunc(rest, unicode.IsLetter) {
		return nil, false
	}
	return []string{term, rest}, true
}

// splitLabel splits a line at its first colon, equals sign or dash.
func splitLabel(s string) (row []string, ok bool) {
	for _, split := range []func(string) ([]string, bool){func(s string) ([]string, bool) { return cutAt(s, ": ", 7) },
		func(s string) ([]string, bool) { return cutAt(s, "：", 7) }, splitEquals, splitDash} {
		if r, found := split(s); found && (!ok || len(r[0]) < len(row[0])) {
			row, ok = r, true
		}
	}
	return row, ok
}

// splitDash splits "term - meaning" with any dash.
func splitDash(s string) ([]string, bool) {
	for _, dash := range []string{" – ", " — ", " - ", " -- "} {
		if row, ok := cutAt(s, dash, 7); ok {
			return row, !strings.Contains(row[0], ":")
		}
	}
	return cutAt(s, "—", 3)
}

// splitBar splits "term | meaning", "term → meaning" and "term:meaning".
func splitBar(s string) ([]string, bool) {
	for _, bar := range []string{" | ", " → ", " -> ", " => "} {
		if strings.Count(s, bar) == 1 && s[0] != '|' {
			return cutAt(s, bar, 7)
		}
	}
	if term, rest, ok := strings.Cut(s, ":"); ok && rest != "" && !strings.ContainsAny(term[max(0, len(term)-1):]+rest[:1], "0123456789 /") {
		return cutAt(s, ":", 4)
	}
	return nil, false
}

// splitCSV splits a line of comma-separated values. A comma in prose is followed by a space: such
// lines count only if both sides are short.
func splitCSV(s string, comma rune) ([]string, bool) {
	quoted := strings.Contains(s, `"`)
	prose := strings.Contains(s, string(comma)+" ") && !quoted
	if n := strings.Count(s, string(comma)); n == 0 || prose && (n != 1 || strings.HasSuffix(s, ".")) {
		return nil, false
	}
	row, err := cutCSV(s, comma, quoted)
	if err != nil || len(row) < 2 || len(row) > 6 || strings.TrimSpace(row[0]) == "" || strings.TrimSpace(row[1]) == "" {
		return nil, false
	}
	if prose && (strings.Count(row[0], " ") > 2 || strings.Count(row[1], " ") > 4) {
		return nil, false
	}
	return row, strings.Count(row[0], " ") < 12
}

// cutCSV cuts a line at its commas that are not within quotation marks.
func cutCSV(s string, comma rune, quoted bool) ([]string, error) {
	if quoted {
		in := csv.NewReader(strings.NewReader(s))
		in.Comma, in.TrimLeadingSpace = comma, true
		return in.Read()
	}
	row := strings.Split(s, string(comma))
	for i := range row {
		row[i] = strings.TrimLeftFunc(row[i], unicode.IsSpace)
	}
	return row, nil
}

// indented reads terms whose meanings are below them, indented or after a colon.
func (r *reader) indented(i int) ([]Card, int) {
	var cards []Card
	next := i
	for next+1 < len(r.lines) {
		term := strings.TrimSuffix(r.lines[next], ":")
		if isIndented(term) || itemText(term) != term || !isTerm(term, 6) || strings.ContainsAny(term[len(term)-1:], ".:,;") || term[0] == '#' {
			break
		}
		meaning, after := r.below(next + 1)
		c, ok := newCard(Term, term, meaning, strings.TrimSpace(term)+": "+meaning)
		if !ok {
			break
		}
		cards, next = append(cards, c), after
		for r.blank(next) {
			next++
		}
	}
	if len(cards) < 2 {
		return nil, i
	}
	return cards, next
}

// below joins the lines from i on that are indented or begin with a colon.
func (r *reader) below(i int) (meaning string, next int) {
	var parts []string
	for ; i < len(r.lines) && !r.blank(i); i++ {
		line, colon := strings.CutPrefix(r.lines[i], ":")
		if !colon && !isIndented(line) {
			break
		}
		flat := strings.TrimSpace(line)
		if item := itemText(flat); item != flat {
			flat = item + ";"
		}
		parts = append(parts, flat)
	}
	return joinAnswer(parts), i
}
