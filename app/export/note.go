package export

import (
	"io"
	"strings"

	"studysharper/app/study"
)

// writeNote writes a note as Markdown: its title as a heading, unless the text begins with it, and its text.
func writeNote(w io.Writer, n study.Note) error {
	heading := "# " + oneLine(n.Title)
	first, _, _ := strings.Cut(strings.TrimLeft(n.Content, "\r\n"), "\n")
	text := n.Content
	if oneLine(n.Title) != "" && strings.TrimSpace(first) != heading {
		text = heading + "\n\n" + text
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
