package extract

import (
	"encoding/xml"
	"strings"
)

// readNotes reads footnotes.xml or endnotes.xml.
func (r *docxReader) readNotes(kind string, data []byte) error {
	s := scanXML(data)
	return s.each(noteReader{kind: kind, notes: r.notes})
}

// noteReader reads the notes of a document, each as a tree.
type noteReader struct {
	kind  string
	notes map[string]string
}

func (n noteReader) start(s *xmlScanner, t xml.StartElement) error {
	if t.Name.Local != n.kind {
		return nil
	}
	id, special := attr(t.Attr, "id"), attr(t.Attr, "type")
	tree, err := s.tree(t)
	if err != nil || special != "" { // separators
		return err
	}
	n.notes[n.kind+id] = oneLine(wordText(tree))
	return nil
}

func (noteReader) end(string)  {}
func (noteReader) text([]byte) {}

// wordText returns the text of a tree of Word or PowerPoint elements.
func wordText(n *node) string {
	switch n.name {
	case "t":
		return n.allText()
	case "tab", "br", "cr":
		return " "
	case "oMath":
		return inlineFormula(ommlTeX(n))
	case "del", "instrText", "Fallback":
		return ""
	}
	var b strings.Builder
	for _, c := range n.elements() {
		b.WriteString(wordText(c))
	}
	if n.name == "p" {
		b.WriteString("\n")
	}
	return b.String()
}
