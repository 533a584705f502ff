package extract

import (
	"encoding/xml"
	"path"
	"strings"
)

// relationID returns the attribute r:id; the element may also have an id without prefix.
func relationID(attrs []xml.Attr) string {
	for _, a := range attrs {
		if a.Name.Space == "r" && a.Name.Local == "id" {
			return a.Value
		}
	}
	return ""
}

// starts is an xmlHandler that handles only the beginnings of elements.
type starts func(xml.StartElement)

func (f starts) start(_ *xmlScanner, t xml.StartElement) error { f(t); return nil }
func (starts) end(string)                                      {}
func (starts) text([]byte)                                     {}

// related are the parts that a part refers to, by the id of the reference and by the last word of its type.
type related struct{ byID, byType map[string]string }

func relations(a *archive, part string) (related, error) {
	dir, file := path.Split(part)
	r := related{map[string]string{}, map[string]string{}}
	data, err := a.part(dir + "_rels/" + file + ".rels")
	if err != nil || data == nil {
		return r, err
	}
	err = scanXML(data).each(starts(func(t xml.StartElement) {
		if t.Name.Local != "Relationship" || attr(t.Attr, "TargetMode") == "External" {
			return
		}
		target := attr(t.Attr, "Target")
		if !strings.HasPrefix(target, "/") {
			target = "/" + dir + target
		}
		target = strings.TrimPrefix(path.Clean(target), "/")
		r.byID[attr(t.Attr, "Id")] = target
		r.byType[path.Base(attr(t.Attr, "Type"))] = target
	}))
	return r, err
}
