package extract

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxDepth bounds how deep elements may be nested; encoding/xml has no bound of its own for raw tokens.
const maxDepth = 256

var (
	errDepth   = errors.New("elements are nested too deep")
	errDTD     = errors.New("the document has a type definition")
	errNesting = errors.New("an element is not closed")
)

// xmlScanner reads the elements of a part. Names have their prefix as the namespace: makers agree on the prefixes, and office
// formats are told apart by local names anyway. Type definitions, and with them entities, are refused.
type xmlScanner struct {
	d     *xml.Decoder
	names []string // of the open elements
}

func scanXML(data []byte) *xmlScanner {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") || strings.EqualFold(charset, "utf8") {
			return input, nil
		}
		return nil, errors.New("an encoding other than UTF-8")
	}
	return &xmlScanner{d: d}
}

// next gives the next xml.StartElement, xml.EndElement or xml.CharData; io.EOF at the end. Data are valid until the next call.
func (s *xmlScanner) next() (xml.Token, error) {
	for {
		token, err := s.d.RawToken()
		if errors.Is(err, io.EOF) && len(s.names) > 0 {
			return nil, errNesting
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(s.names) >= maxDepth {
				return nil, errDepth
			}
			s.names = append(s.names, t.Name.Local)
			return t, nil
		case xml.EndElement:
			if len(s.names) == 0 || s.names[len(s.names)-1] != t.Name.Local {
				return nil, errNesting
			}
			s.names = s.names[:len(s.names)-1]
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, errDTD
		}
	}
}

// skip reads to the end of the element that was just begun.
func (s *xmlScanner) skip() error {
	for depth := len(s.names); len(s.names) >= depth; {
		if _, err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// each calls start and end for every element until the end of the part.
func (s *xmlScanner) each(h xmlHandler) error {
	for {
		token, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = h.start(s, t)
		case xml.EndElement:
			h.end(t.Name.Local)
		case xml.CharData:
			h.text(t)
		}
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// xmlHandler takes the elements of a part. start may skip the element or read its tree, and then gets no end for it.
// errEnough ends the reading.
type xmlHandler interface {
	start(s *xmlScanner, t xml.StartElement) error
	end(name string)
	text(data []byte)
}

// errEnough is returned by start when nothing more is needed.
var errEnough = errors.New("nothing more is needed")

// node is an element and what it holds, for small parts of a document: formulas, styles.
type node struct {
	name     string
	attrs    []xml.Attr
	children []*node
	text     string // of a node without a name
}

// maxNodes bounds a tree.
const maxNodes = 20_000

// tree reads the element that was just begun.
func (s *xmlScanner) tree(t xml.StartElement) (*node, error) {
	root := &node{name: t.Name.Local, attrs: t.Copy().Attr}
	stack, nodes := []*node{root}, 0
	for len(stack) > 0 {
		token, err := s.next()
		if err != nil {
			return nil, err
		}
		if nodes++; nodes > maxNodes {
			return nil, errBomb
		}
		top := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			child := &node{name: t.Name.Local, attrs: t.Copy().Attr}
			top.children = append(top.children, child)
			stack = append(stack, child)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.children = append(top.children, &node{text: string(t)})
		}
	}
	return root, nil
}

// child gives the first child of a name; nil without one.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// elements gives the children that are elements.
func (n *node) elements() (out []*node) {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name != "" {
			out = append(out, c)
		}
	}
	return out
}

func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	return attr(n.attrs, name)
}

// allText joins the text of a node and of all below it.
func (n *node) allText() string {
	if n == nil {
		return ""
	}
	if n.name == "" {
		return n.text
	}
	var b strings.Builder
	for _, c := range n.children {
		b.WriteString(c.allText())
	}
	return b.String()
}

// attr gives an attribute by its local name; "" without one.
func attr(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
