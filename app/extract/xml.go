package extract

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxDepth limits the nesting depth of elements; encoding/xml itself does not limit it for raw tokens.
const maxDepth = 256

var (
	errDepth   = errors.New("elements are nested too deep")
	errDTD     = errors.New("the document has a type definition")
	errNesting = errors.New("an element is not closed")
)

// xmlScanner reads the elements of a part. The namespace of a name is its prefix: all programs use the same prefixes,
// and local names suffice for office formats. Document type definitions, and thus entities, are refused.
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

// next returns the next xml.StartElement, xml.EndElement or xml.CharData; io.EOF at the end. The token is valid until
// the next call.
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

// skip reads to the end of the element that has just begun.
func (s *xmlScanner) skip() error {
	for depth := len(s.names); len(s.names) >= depth; {
		if _, err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// each calls the handler for every element and text until the end of the part.
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

// xmlHandler handles the elements of a part. If start skips the element or reads its tree, end is not called for it. If
// start returns errEnough, reading stops.
type xmlHandler interface {
	start(s *xmlScanner, t xml.StartElement) error
	end(name string)
	text(data []byte)
}

// errEnough is returned by start to stop reading.
var errEnough = errors.New("nothing more is needed")

// node is an element with its content, for small parts of a document: formulas, styles.
type node struct {
	name     string
	attrs    []xml.Attr
	children []*node
	text     string // of a node without a name
}

// maxNodes limits the size of a tree.
const maxNodes = 20_000

// tree reads the element that has just begun.
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

// child returns the first child with a name, or nil.
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

// elements returns the children that are elements.
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

// allText returns the text of a node and its descendants.
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

// attr returns the attribute with a local name, or "".
func attr(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
