package extract

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readCSV reads rows. Two columns are questions and answers and become a list of cards; more columns become a table,
// and one column becomes paragraphs.
func readCSV(data []byte, o Options, w *writer) (Document, error) {
	text, _ := decodeText(data)
	rows, cut, err := parseRows(text, separatorOf(text, byExtension[strings.ToLower(o.Extension)]))
	if err != nil {
		return Document{}, err
	}
	var d Document
	if cut {
		d.Warnings = append(d.Warnings, fmt.Sprintf("The file has more than %d rows: the rest was left out.", maxRows))
	}
	if isCards(rows) {
		writeCards(cardsOf(rows), w)
	} else {
		w.Table((&table{rows: rows}).trimmed())
	}
	return d, nil
}

// separators are the possible field separators, the most likely first.
var separators = []rune{',', ';', '\t', '|'}

// The part of a file that is tried with each separator.
const (
	triedRows  = 20
	triedBytes = 64 << 10
)

// separatorOf finds the field separator: the one with which most of the first rows have the same number of fields. It
// respects quotes, because a quoted field may contain any separator.
func separatorOf(text string, named Format) rune {
	if named == TSV {
		return '\t'
	}
	text = text[:min(len(text), triedBytes)]
	best, most := ',', 0
	for _, s := range separators {
		r := rowReader(text, s)
		counts, same := map[int]int{}, 0
		for range triedRows {
			row, err := r.Read()
			if err != nil {
				break
			}
			if n := len(row); n > 1 {
				counts[n]++
				same = max(same, counts[n])
			}
		}
		if same > most {
			best, most = s, same
		}
	}
	return best
}

func rowReader(text string, separator rune) *csv.Reader {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = separator, -1, true, separator != '\t'
	return r
}

// parseRows reads at most maxRows rows; cut means that there are more.
func parseRows(text string, separator rune) (rows [][]string, cut bool, err error) {
	r := rowReader(text, separator)
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, false, nil
		}
		if err != nil {
			return nil, false, damaged(CSV, errors.New("a row cannot be read")) // the original error quotes the row
		}
		if len(rows) == maxRows {
			return rows, true, nil
		}
		rows = append(rows, row[:min(len(row), maxColumns)])
	}
}

// card is a question and its answer, each one line.
type card struct{ front, back string }

// isCards reports whether (nearly) all rows have two columns, and none has more.
func isCards(rows [][]string) bool {
	two := 0
	for _, row := range rows {
		if len(row) > 2 {
			return false
		}
		if len(row) == 2 {
			two++
		}
	}
	return two > 0 && two >= len(rows)-len(rows)/10
}

// cardHeads are common names of the two columns.
var cardHeads = map[string]bool{"question": true, "answer": true, "front": true, "back": true, "term": true, "definition": true, "prompt": true, "response": true, "word": true, "meaning": true, "translation": true,
	"frage": true, "antwort": true, "begriff": true, "vorderseite": true, "rückseite": true, "pregunta": true, "respuesta": true, "recto": true, "verso": true}

func cardsOf(rows [][]string) (cards []card) {
	for i, row := range rows {
		if len(row) != 2 {
			continue
		}
		front, back := oneLine(row[0]), oneLine(row[1])
		if i == 0 && cardHeads[strings.ToLower(front)] && cardHeads[strings.ToLower(back)] {
			continue
		}
		cards = append(cards, card{front, back})
	}
	return cards
}

// writeCards writes cards as items "question :: answer", from which the built-in engine makes flashcards with the same
// words.
func writeCards(cards []card, w *writer) {
	for _, c := range cards {
		switch {
		case c.front != "" && c.back != "":
			w.Item(0, 0, c.front+" :: "+c.back)
		default:
			w.Item(0, 0, c.front+c.back)
		}
	}
}
