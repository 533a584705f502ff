package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// writeCSV writes cards as RFC 4180 has it: a header, CRLF, UTF-8 without a mark. A cell that a spreadsheet would run as
// a formula gets an apostrophe in front, which spreadsheets take for "this is text"; numbers do not.
func writeCSV(w io.Writer, d document) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write([]string{"question", "answer", "topic", "difficulty", "source", "id"}); err != nil {
		return err
	}
	for _, c := range d.cards {
		row := []string{c.Question, c.Answer, c.Topic, c.Difficulty, sourceText(c.Source), c.ID}
		for i, cell := range row {
			row[i] = guardFormula(cell)
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// guardFormula makes a cell text for spreadsheets, also where it begins with one of the full-width signs that some of
// them take for ASCII's.
func guardFormula(cell string) string {
	if cell == "" || !strings.ContainsAny(firstRune(cell), "=+-@\t\r\n＝＋－＠") {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
