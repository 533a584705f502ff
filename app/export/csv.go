package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// writeCSV writes cards according to RFC 4180: a header, CRLF, UTF-8 without byte order mark. A cell that a spreadsheet
// would execute as a formula gets a leading apostrophe, which marks text in spreadsheets; numbers do not.
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

// guardFormula marks a cell as text for spreadsheets if it would be a formula, including one that begins with a
// full-width sign, which some spreadsheets treat like the ASCII one.
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
