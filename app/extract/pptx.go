package extract

import (
	"encoding/xml"
	"strings"
)

// readPPTX reads a presentation (ECMA-376 part 1, PresentationML): each slide as a page, with its title as a heading,
// its other text as a list, and its notes.
func readPPTX(data []byte, o Options, w *writer) (Document, error) {
	a, err := openArchive(data, PPTX)
	if err != nil {
		return Document{}, err
	}
	slides, err := slideNames(a)
	if err != nil {
		return Document{}, asDamaged(PPTX, err)
	}
	if o.MaxPages > 0 && len(slides) > o.MaxPages {
		return Document{}, tooManyPages(o.MaxPages)
	}
	for i, name := range slides {
		if w.Full() {
			break
		}
		w.Page(i + 1)
		if err := readSlide(a, name, w); err != nil {
			return Document{}, asDamaged(PPTX, err)
		}
	}
	title, err := coreTitle(a, "docProps/core.xml")
	return Document{Title: title, Pages: len(slides)}, err
}

// slideNames returns the parts of the slides in the order of the presentation.
func slideNames(a *archive) ([]string, error) {
	presentation, err := a.required("ppt/presentation.xml")
	if err != nil {
		return nil, err
	}
	targets, err := relations(a, "ppt/presentation.xml")
	if err != nil {
		return nil, err
	}
	var names []string
	order := starts(func(t xml.StartElement) {
		if t.Name.Local == "sldId" {
			if target := targets.byID[relationID(t.Attr)]; target != "" {
				names = append(names, target)
			}
		}
	})
	return names, scanXML(presentation).each(order)
}

func readSlide(a *archive, name string, w *writer) error {
	data, err := a.part(name)
	if err != nil || data == nil {
		return err
	}
	slide := &slideReader{}
	if err := scanXML(data).each(slide); err != nil {
		return err
	}
	slide.write(w)
	targets, err := relations(a, name)
	if err != nil {
		return err
	}
	notes, err := a.part(targets.byType["notesSlide"])
	if err != nil || notes == nil {
		return err
	}
	page := &slideReader{notes: true}
	if err := scanXML(notes).each(page); err != nil {
		return err
	}
	w.Notes(page.plain())
	return nil
}

// slideReader handles the elements of a slide or of a notes page.
type slideReader struct {
	notes  bool // notes page: only its body is used, because the rest repeats the slide
	shapes []*shape
	shape  *shape
	table  *table
	line   *slideLine
	inText bool
}

// shape is a text box or a table.
type shape struct {
	kind  string // of its placeholder: "title", "body", …; "" = a plain text box
	lines []slideLine
	table [][]string
}

type slideLine struct {
	depth    int
	numbered bool
	plain    bool // the paragraph has no bullet
	text     strings.Builder
}

func (r *slideReader) start(s *xmlScanner, t xml.StartElement) error {
	switch t.Name.Local {
	case "sp":
		r.shape = &shape{}
		r.shapes = append(r.shapes, r.shape)
	case "ph":
		if r.shape != nil {
			if r.shape.kind = attr(t.Attr, "type"); r.shape.kind == "" {
				r.shape.kind = "body"
			}
		}
	case "tbl":
		r.table = &table{}
	case "tr":
		if r.table != nil {
			r.table.row()
		}
	case "tc":
		if r.table != nil {
			r.table.cell()
			r.table.span(smallNumber(attr(t.Attr, "gridSpan")))
		}
	case "p":
		if t.Name.Space == "a" {
			r.line = &slideLine{}
		}
	case "Fallback":
		return s.skip()
	case "t":
		r.inText = true
	default:
		return r.inLine(s, t)
	}
	return nil
}

// inLine handles the elements of a paragraph other than its text.
func (r *slideReader) inLine(s *xmlScanner, t xml.StartElement) error {
	if r.line == nil {
		return nil
	}
	switch t.Name.Local {
	case "pPr":
		r.line.depth = smallNumber(attr(t.Attr, "lvl"))
	case "buAutoNum":
		r.line.numbered = true
	case "buNone":
		r.line.plain = true
	case "br":
		r.line.text.WriteString("\n")
	case "oMath":
		tree, err := s.tree(t)
		if err != nil {
			return err
		}
		r.line.text.WriteString(inlineFormula(ommlTeX(tree)))
	}
	return nil
}

func (r *slideReader) end(name string) {
	switch name {
	case "sp":
		r.shape = nil
	case "t":
		r.inText = false
	case "tbl":
		if r.table != nil {
			r.shapes = append(r.shapes, &shape{table: r.table.trimmed()})
		}
		r.table = nil
	case "p":
		line := r.line
		r.line = nil
		switch {
		case line == nil || strings.TrimSpace(line.text.String()) == "":
		case r.table != nil:
			r.table.write(line.text.String())
		case r.shape != nil:
			r.shape.lines = append(r.shape.lines, *line)
		}
	}
}

func (r *slideReader) text(data []byte) {
	if r.inText && r.line != nil {
		r.line.text.Write(data)
	}
}

// write writes the title first, wherever it is in the file, then the other shapes in order.
func (r *slideReader) write(w *writer) {
	for _, s := range r.shapes {
		if s.isTitle() {
			w.Heading(2, s.joined())
		}
	}
	for _, s := range r.shapes {
		switch s.kind {
		case "title", "ctrTitle", "sldNum", "dt", "ftr", "hdr", "sldImg":
		case "subTitle":
			w.Block(s.joined())
		default:
			s.write(w)
		}
	}
}

func (s *shape) isTitle() bool { return s.kind == "title" || s.kind == "ctrTitle" }

func (s *shape) joined() string {
	var lines []string
	for i := range s.lines {
		lines = append(lines, s.lines[i].text.String())
	}
	return strings.Join(lines, " ")
}

func (s *shape) write(w *writer) {
	if s.table != nil {
		w.Table(s.table)
		return
	}
	counts := map[int]int{}
	for i := range s.lines {
		l := &s.lines[i]
		if !l.numbered {
			delete(counts, l.depth)
		}
		switch {
		case l.plain || s.kind == "": // text boxes have no bullets
			w.Block(displayAlone(l.text.String()))
		case l.numbered:
			counts[l.depth]++
			w.Item(l.depth, counts[l.depth], l.text.String())
		default:
			w.Item(l.depth, 0, l.text.String())
		}
	}
}

// plain returns the body of a notes page.
func (r *slideReader) plain() string {
	var out []string
	for _, s := range r.shapes {
		if s.kind != "body" {
			continue
		}
		for i := range s.lines {
			out = append(out, s.lines[i].text.String())
		}
	}
	return strings.Join(out, "\n")
}
