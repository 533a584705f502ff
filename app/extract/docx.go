package extract

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// readDOCX reads a Word document (ECMA-376 part 1, WordprocessingML).
func readDOCX(data []byte, o Options, w *writer) (Document, error) {
	a, err := openArchive(data, DOCX)
	if err != nil {
		return Document{}, err
	}
	main, err := a.required("word/document.xml")
	if err != nil {
		return Document{}, err
	}
	r := &docxReader{out: w, max: o.MaxPages, notes: map[string]string{}, rendered: bytes.Contains(main, []byte("lastRenderedPageBreak"))}
	if err := r.readParts(a); err != nil {
		return Document{}, err
	}
	if r.paged = r.rendered || bytes.Contains(main, []byte(`w:type="page"`)); r.paged {
		r.page = 1
		w.Page(1)
	}
	if err := scanXML(main).each(r); err != nil {
		return Document{}, asDamaged(DOCX, err)
	}
	r.writeNotes()
	title, err := coreTitle(a, "docProps/core.xml")
	return Document{Title: title, Pages: r.page}, err
}

// docxReader handles the elements of document.xml.
type docxReader struct {
	out       *writer
	max       int // pages
	styles    *docxStyles
	numbering *docxNumbering
	notes     map[string]string // by reference
	cited     []string          // references in the order in which they are cited
	rendered  bool              // Word has stored its page breaks in the text
	paged     bool
	page      int
	breaks    int // page breaks in the paragraph being read

	stack  []*docxParagraph // paragraphs being read: one may contain a text box with others
	tables []*table
}

type docxParagraph struct {
	text     strings.Builder
	style    string
	outline  int
	list     docxList
	listed   bool // the paragraph itself names its list
	inSymbol bool // inside w:t
}

func (r *docxReader) readParts(a *archive) error {
	styles, err := a.part("word/styles.xml")
	if err == nil {
		r.styles, err = readDOCXStyles(styles)
	}
	if err != nil {
		return asDamaged(DOCX, err)
	}
	numbering, err := a.part("word/numbering.xml")
	if err == nil {
		r.numbering, err = readDOCXNumbering(numbering)
	}
	for _, kind := range []string{"footnote", "endnote"} {
		var data []byte
		if err == nil {
			data, err = a.part("word/" + kind + "s.xml")
		}
		if err == nil && data != nil {
			err = r.readNotes(kind, data)
		}
	}
	return asDamaged(DOCX, err)
}

func (r *docxReader) top() *docxParagraph {
	if len(r.stack) == 0 {
		return nil
	}
	return r.stack[len(r.stack)-1]
}

func (r *docxReader) write(s string) {
	if p := r.top(); p != nil {
		p.text.WriteString(s)
	}
}

func (r *docxReader) start(s *xmlScanner, t xml.StartElement) error {
	switch t.Name.Local {
	case "p":
		if t.Name.Space == "w" {
			r.stack = append(r.stack, &docxParagraph{})
		}
	case "del", "moveFrom", "Fallback", "sectPr", "rPrChange", "pPrChange": // deleted text, a second version, former properties
		return s.skip()
	case "oMath", "oMathPara":
		return r.formula(s, t)
	case "t":
		if p := r.top(); p != nil {
			p.inSymbol = true
		}
	case "tab", "ptab":
		if len(s.names) < 2 || s.names[len(s.names)-2] != "tabs" { // inside w:tabs, these are tab stops
			r.write(" ")
		}
	case "noBreakHyphen":
		r.write("-")
	case "cr":
		r.write("\n")
	case "br":
		r.lineBreak(attr(t.Attr, "type"))
	case "lastRenderedPageBreak":
		r.breaks++
	case "footnoteReference", "endnoteReference":
		r.cite(strings.TrimSuffix(t.Name.Local, "Reference") + attr(t.Attr, "id"))
	case "tbl":
		r.tables = append(r.tables, &table{})
	case "tr", "tc":
		r.cell(t.Name.Local)
	default:
		return r.property(t)
	}
	if r.out.Full() {
		return errEnough
	}
	return r.tooManyPages()
}

func (r *docxReader) tooManyPages() error {
	if r.max > 0 && r.page > r.max {
		return tooManyPages(r.max)
	}
	return nil
}

// property reads a property of a paragraph or a cell.
func (r *docxReader) property(t xml.StartElement) error {
	p, value := r.top(), attr(t.Attr, "val")
	if t.Name.Local == "gridSpan" && len(r.tables) > 0 {
		r.tables[len(r.tables)-1].span(smallNumber(value))
	}
	if p == nil {
		return nil
	}
	switch t.Name.Local {
	case "pStyle":
		p.style = value
	case "outlineLvl":
		p.outline = outlineLevel(value)
	case "numId":
		p.list.id, p.listed = smallNumber(value), true
	case "ilvl":
		p.list.depth = smallNumber(value)
	}
	return nil
}

func (r *docxReader) lineBreak(kind string) {
	if kind != "page" {
		r.write("\n")
	} else if !r.rendered {
		r.breaks++
	}
}

func (r *docxReader) formula(s *xmlScanner, t xml.StartElement) error {
	tree, err := s.tree(t)
	if err != nil {
		return err
	}
	if t.Name.Local == "oMathPara" {
		for _, line := range tree.elements() {
			if line.name == "oMath" {
				r.write("\n" + displayFormula(ommlTeX(line)) + "\n")
			}
		}
		return nil
	}
	r.write(inlineFormula(ommlTeX(tree)))
	return nil
}

func (r *docxReader) cite(id string) {
	if r.notes[id] != "" {
		r.cited = append(r.cited, id)
		r.write(fmt.Sprintf("[^%d]", len(r.cited)))
	}
}

func (r *docxReader) cell(name string) {
	if len(r.tables) == 0 {
		return
	}
	if t := r.tables[len(r.tables)-1]; name == "tr" {
		t.row()
	} else {
		t.cell()
	}
}

func (r *docxReader) end(name string) {
	switch name {
	case "t":
		if p := r.top(); p != nil {
			p.inSymbol = false
		}
	case "p":
		if p := r.top(); p != nil {
			r.stack = r.stack[:len(r.stack)-1]
			r.paragraph(p)
		}
	case "tbl":
		if n := len(r.tables); n > 0 {
			t := r.tables[n-1]
			r.tables = r.tables[:n-1]
			if n > 1 {
				r.tables[n-2].write(t.flat()) // Markdown has no nested tables
			} else {
				r.out.Table(t.trimmed())
			}
		}
	}
}

func (r *docxReader) text(data []byte) {
	if p := r.top(); p != nil && p.inSymbol {
		p.text.Write(data)
	}
}

// paragraph writes a paragraph that has been read.
func (r *docxReader) paragraph(p *docxParagraph) {
	text := p.text.String()
	begins := r.breaks
	r.breaks = 0
	level, list, left := r.styles.resolve(p.style)
	switch {
	case len(r.tables) > 0:
		r.tables[len(r.tables)-1].write(text)
		r.turn(begins)
		return
	case left:
		r.turn(begins)
		return
	}
	if p.listed {
		list = p.list
	}
	if p.outline > 0 {
		level = p.outline
	}
	r.turn(begins)
	switch {
	case level > 0:
		r.out.Heading(level, text)
	case list.id > 0 && strings.TrimSpace(text) != "":
		r.out.Item(list.depth, r.numbering.next(list), text)
	default:
		r.out.Block(text)
	}
}

// turn begins new pages. A break in the middle of a paragraph takes effect at the paragraph's beginning.
func (r *docxReader) turn(pages int) {
	if !r.paged || pages == 0 || len(r.tables) > 0 {
		r.page += pages
		return
	}
	r.page += pages
	r.out.Page(r.page)
}

func (r *docxReader) writeNotes() {
	for i, id := range r.cited {
		r.out.Block(fmt.Sprintf("[^%d]: %s", i+1, oneLine(r.notes[id])))
	}
}
