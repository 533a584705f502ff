package extract

import "encoding/xml"

// coreTitle returns the title in a document's properties (Dublin Core), for Office and EPUB.
func coreTitle(a *archive, name string) (string, error) {
	data, err := a.part(name)
	if err != nil || data == nil {
		return "", err
	}
	title := &titleReader{}
	_ = scanXML(data).each(title) // if the properties are damaged, only the title is lost
	return title.found, nil
}

type titleReader struct {
	found  string
	inside bool
}

func (r *titleReader) start(_ *xmlScanner, t xml.StartElement) error {
	if r.found != "" {
		return errEnough
	}
	r.inside = t.Name.Local == "title"
	return nil
}

func (r *titleReader) end(string) { r.inside = false }

func (r *titleReader) text(data []byte) {
	if r.inside {
		r.found += string(data)
	}
}
