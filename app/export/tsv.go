package export

import (
	"bufio"
	"io"
	"strings"
)

// writeTSV writes cards for Anki's text import: HTML, with the same guid, note type, deck and tags as writeAPKG, so
// that either import updates the notes of the other.
func writeTSV(w io.Writer, d document) error {
	out := bufio.NewWriter(w)
	for _, line := range []string{"#separator:tab", "#html:true", "#notetype:" + modelName, "#deck:" + deckName(d.title),
		"#columns:Front\tBack\tSource\tTags\tGUID", "#tags column:4", "#guid column:5"} {
		_, _ = out.WriteString(line + "\n") // Flush returns the error
	}
	for _, c := range d.cards {
		row := []string{htmlOf(c.Question), htmlOf(c.Answer), escapeHTML(sourceText(c.Source)), strings.Join(c.tags(), " "), guid(d.id, c.ID)}
		for i, cell := range row {
			row[i] = quoteTSV(cell)
		}
		_, _ = out.WriteString(strings.Join(row, "\t") + "\n")
	}
	return out.Flush()
}

// quoteTSV quotes a cell that Anki would misread: a cell with a tab, a quote or a line break, or a cell that begins
// with #, which would make its line a comment.
func quoteTSV(cell string) string {
	if !strings.ContainsAny(cell, "\t\"\r\n") && !strings.HasPrefix(cell, "#") {
		return cell
	}
	return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
}
