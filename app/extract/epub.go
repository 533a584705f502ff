package extract

import (
	"encoding/xml"
	"net/url"
	"path"
	"strings"

	"studysharper/app/text"
)

// readEPUB reads a book (EPUB 2 and 3): its chapters, each an HTML page, in the order of the spine.
func readEPUB(data []byte, _ Options, w *writer) (Document, error) {
	a, err := openArchive(data, EPUB)
	if err != nil {
		return Document{}, err
	}
	encryption, err := a.part("META-INF/encryption.xml")
	if err != nil {
		return Document{}, err
	}
	if protectsText(encryption) {
		return Document{}, encrypted()
	}
	book, err := readPackage(a)
	if err != nil {
		return Document{}, asDamaged(EPUB, err)
	}
	pages := 0
	for _, chapter := range book.chapters() {
		if w.Full() {
			break
		}
		page, err := a.part(chapter)
		if err != nil {
			return Document{}, err
		}
		text, ok := decodeText(page)
		if !ok {
			continue
		}
		_, markdown, err := convertHTML(selfClosed(text))
		if err != nil {
			return Document{}, damaged(EPUB, err)
		}
		pages += strings.Count(markdown, "<!-- page ")
		w.separate("\n\n")
		w.add(strings.TrimSpace(markdown))
	}
	return Document{Title: book.title, Pages: pages}, nil
}

// protectsText reports whether anything other than fonts is encrypted.
func protectsText(encryption []byte) bool {
	protected := false
	_ = scanXML(encryption).each(starts(func(t xml.StartElement) { // if it is damaged, the chapters fail to parse
		if t.Name.Local == "CipherReference" {
			switch strings.ToLower(path.Ext(attr(t.Attr, "URI"))) {
			case ".xhtml", ".html", ".htm", ".xml":
				protected = true
			}
		}
	}))
	return protected
}

// selfClosed expands self-closing tags of XHTML, which HTML parsers would treat as opening tags.
func selfClosed(page string) string {
	return emptyTag().ReplaceAllStringFunc(page, func(tag string) string {
		parts := emptyTag().FindStringSubmatch(tag)
		if void[parts[1]] {
			return tag
		}
		return "<" + parts[1] + parts[2] + "></" + parts[1] + ">"
	})
}

var emptyTag = text.Pattern(`<([a-zA-Z][\w:-]*)([^<>]*)/>`)

// void are the elements that have no closing tag in HTML.
var void = map[string]bool{"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true, "link": true, "meta": true, "source": true, "track": true, "wbr": true}

// epubPackage is the package document of a book: its parts and their order.
type epubPackage struct {
	dir   string
	title string
	parts map[string]string // by id
	spine []string          // ids

	inTitle bool
}

func readPackage(a *archive) (*epubPackage, error) {
	container, err := a.required("META-INF/container.xml")
	if err != nil {
		return nil, err
	}
	file := ""
	err = scanXML(container).each(starts(func(t xml.StartElement) {
		if t.Name.Local == "rootfile" && file == "" {
			file = strings.TrimPrefix(path.Clean("/"+attr(t.Attr, "full-path")), "/")
		}
	}))
	if err != nil {
		return nil, err
	}
	description, err := a.required(file)
	if err != nil {
		return nil, err
	}
	p := &epubPackage{dir: path.Dir(file), parts: map[string]string{}}
	return p, scanXML(description).each(p)
}

func (p *epubPackage) start(_ *xmlScanner, t xml.StartElement) error {
	switch t.Name.Local {
	case "title":
		p.inTitle = p.title == ""
	case "item":
		if kind := attr(t.Attr, "media-type"); strings.Contains(kind, "html") {
			p.parts[attr(t.Attr, "id")] = attr(t.Attr, "href")
		}
	case "itemref":
		p.spine = append(p.spine, attr(t.Attr, "idref"))
	}
	return nil
}

func (p *epubPackage) end(string) { p.inTitle = false }

func (p *epubPackage) text(data []byte) {
	if p.inTitle {
		p.title += string(data)
	}
}

// chapters returns the names of the parts in reading order, without repeats.
func (p *epubPackage) chapters() (names []string) {
	seen := map[string]bool{}
	for _, id := range p.spine {
		reference := p.parts[id]
		if reference == "" || seen[id] {
			continue
		}
		seen[id] = true
		if decoded, err := url.PathUnescape(reference); err == nil {
			reference = decoded
		}
		names = append(names, strings.TrimPrefix(path.Clean("/"+p.dir+"/"+reference), "/"))
	}
	return names
}
