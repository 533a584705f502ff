package extract

import (
	"encoding/xml"
	"fmt"
	"path"
	"strings"
)

// readODT reads an OpenDocument text (OASIS, 1.3 part 3).
func readODT(data []byte, o Options, w *writer) (Document, error) {
	a, err := openArchive(data, ODT)
	if err != nil {
		return Document{}, err
	}
	manifest, err := a.part("META-INF/manifest.xml")
	if err != nil {
		return Document{}, err
	}
	if strings.Contains(string(manifest), "encryption-data") {
		return Document{}, encrypted()
	}
	content, err := a.required("content.xml")
	if err != nil {
		return Document{}, err
	}
	styles, err := a.part("styles.xml")
	if err != nil {
		return Document{}, err
	}
	r := &odtReader{out: w, archive: a, max: o.MaxPages, ordered: map[string]map[int]bool{}}
	for _, part := range [][]byte{styles, content} {
		if err := scanXML(part).each(&odtLists{ordered: r.ordered}); err != nil {
			return Document{}, asDamaged(ODT, err)
		}
	}
	if strings.Contains(string(content), "<text:soft-page-break") {
		r.page = 1
		w.Page(1)
	}
	if err := scanXML(content).each(r); err != nil {
		return Document{}, asDamaged(ODT, err)
	}
	for i, note := range r.notes {
		w.Block(fmt.Sprintf("[^%d]: %s", i+1, note))
	}
	title, err := coreTitle(a, "meta.xml")
	return Document{Title: title, Pages: r.page}, err
}

// odtLists records which levels of which list styles are numbered.
type odtLists struct {
	ordered map[string]map[int]bool
	style   string
}

func (l *odtLists) start(_ *xmlScanner, t xml.StartElement) error {
	switch t.Name.Local {
	case "list-style":
		l.style = attr(t.Attr, "name")
		l.ordered[l.style] = map[int]bool{}
	case "list-level-style-number":
		if levels := l.ordered[l.style]; levels != nil && attr(t.Attr, "num-format") != "" {
			levels[smallNumber(attr(t.Attr, "level"))] = true
		}
	}
	return nil
}

func (l *odtLists) end(name string) {
	if name == "list-style" {
		l.style = ""
	}
}

func (l *odtLists) text([]byte) {}

// odtReader handles the elements of content.xml.
type odtReader struct {
	out     *writer
	archive *archive
	max     int
	ordered map[string]map[int]bool
	page    int
	breaks  int
	notes   []string

	body   bool
	stack  []*odtParagraph // paragraphs being read: a note is inside another paragraph
	lists  []*odtList
	tables []*table
	note   *strings.Builder // note being read
}

type odtParagraph struct {
	text  strings.Builder
	level int // of a heading; 0 = a paragraph
}

type odtList struct {
	style string
	count int
	item  bool // the item has not been written yet
}

// odtSkipped are elements whose text does not belong to the document.
var odtSkipped = map[string]bool{"tracked-changes": true, "annotation": true, "note-citation": true, "table-of-content": true, "sequence-decls": true, "desc": true, "title": true, "forms": true}

// maxSpaces limits text:s, which stands for a number of spaces.
const maxSpaces = 16

func (r *odtReader) start(s *xmlScanner, t xml.StartElement) error {
	name := t.Name.Local
	switch {
	case name == "text" && t.Name.Space == "office":
		r.body = true
		return nil
	case !r.body:
		return nil
	case odtSkipped[name]:
		return s.skip()
	case r.out.Full():
		return errEnough
	case r.max > 0 && r.page > r.max:
		return tooManyPages(r.max)
	}
	switch name {
	case "h":
		r.stack = append(r.stack, &odtParagraph{level: max(smallNumber(attr(t.Attr, "outline-level")), 1)})
	case "p":
		r.stack = append(r.stack, &odtParagraph{})
	case "s":
		r.write(strings.Repeat(" ", min(max(smallNumber(attr(t.Attr, "c")), 1), maxSpaces)))
	case "tab":
		r.write(" ")
	case "line-break":
		r.write("\n")
	case "soft-page-break":
		r.breaks++
	case "note-body":
		r.note = &strings.Builder{}
	case "list", "list-item", "list-header":
		r.list(t)
	case "table", "table-row", "table-cell", "covered-table-cell":
		if t.Name.Space == "table" {
			r.cell(t)
		}
	case "object":
		return r.object(attr(t.Attr, "href"))
	case "math":
		return r.formula(s, t)
	}
	return nil
}

func (r *odtReader) formula(s *xmlScanner, t xml.StartElement) error {
	tree, err := s.tree(t)
	if err == nil {
		r.write(inlineFormula(mathTeX(tree)))
	}
	return err
}

func (r *odtReader) write(s string) {
	if n := len(r.stack); n > 0 {
		r.stack[n-1].text.WriteString(s)
	}
}

func (r *odtReader) list(t xml.StartElement) {
	if t.Name.Local == "list" {
		style := attr(t.Attr, "style-name")
		if n := len(r.lists); style == "" && n > 0 {
			style = r.lists[n-1].style
		}
		r.lists = append(r.lists, &odtList{style: style})
		return
	}
	if n := len(r.lists); n > 0 {
		r.lists[n-1].item = true
	}
}

func (r *odtReader) cell(t xml.StartElement) {
	switch name := t.Name.Local; {
	case name == "table":
		r.tables = append(r.tables, &table{})
	case len(r.tables) == 0:
	case name == "table-row":
		r.tables[len(r.tables)-1].row()
	default:
		r.tables[len(r.tables)-1].cell()
	}
}

// object reads a formula that is stored in a part of its own.
func (r *odtReader) object(reference string) error {
	name := strings.TrimPrefix(path.Clean("/"+reference+"/content.xml"), "/")
	data, err := r.archive.part(name)
	if err != nil || data == nil {
		return err
	}
	s := scanXML(data)
	for {
		token, err := s.next()
		if err != nil {
			return nil //nolint:nilerr // an object that is not a formula, or is damaged: it is left out
		}
		if t, ok := token.(xml.StartElement); ok {
			if t.Name.Local != "math" {
				return nil
			}
			tree, err := s.tree(t)
			if err == nil {
				r.write(inlineFormula(mathTeX(tree)))
			}
			return nil
		}
	}
}

func (r *odtReader) end(name string) {
	switch name {
	case "p", "h":
		if n := len(r.stack); n > 0 {
			p := r.stack[n-1]
			r.stack = r.stack[:n-1]
			r.paragraph(p)
		}
	case "note-body":
		if r.note != nil {
			r.notes = append(r.notes, oneLine(r.note.String()))
			r.note = nil
			r.write(fmt.Sprintf("[^%d]", len(r.notes)))
		}
	case "list":
		if n := len(r.lists); n > 0 {
			r.lists = r.lists[:n-1]
		}
	case "table":
		if n := len(r.tables); n > 0 {
			t := r.tables[n-1]
			r.tables = r.tables[:n-1]
			if n > 1 {
				r.tables[n-2].write(t.flat())
			} else {
				r.out.Table(t.trimmed())
			}
		}
	}
}

func (r *odtReader) text(data []byte) {
	if n := len(r.stack); n > 0 {
		r.stack[n-1].text.Write(data)
	}
}

func (r *odtReader) paragraph(p *odtParagraph) {
	text := p.text.String()
	switch {
	case r.note != nil:
		r.note.WriteString(text + "\n")
		return
	case len(r.tables) > 0:
		r.tables[len(r.tables)-1].write(text)
		return
	}
	if r.breaks > 0 {
		r.page += r.breaks
		r.breaks = 0
		r.out.Page(r.page)
	}
	switch n := len(r.lists); {
	case p.level > 0:
		r.out.Heading(p.level, text)
	case n == 0:
		r.out.Block(displayAlone(text)) // objects do not say whether they are inline
	case strings.TrimSpace(text) == "":
	case !r.lists[n-1].item: // another paragraph of the same item
		r.out.Block(text)
	default:
		l := r.lists[n-1]
		l.item = false
		number := 0
		if r.ordered[l.style][n] {
			l.count++
			number = l.count
		}
		r.out.Item(n-1, number, text)
	}
}
