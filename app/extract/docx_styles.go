package extract

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// docxStyle is the structural information of a paragraph style.
type docxStyle struct {
	name    string // lower case
	basedOn string
	outline int // heading level from 1; 0 = none
	list    docxList
}

// docxList is a paragraph's place in a list: numbering definition and depth. id 0 = not in a list.
type docxList struct{ id, depth int }

// docxStyles reads styles.xml.
type docxStyles struct {
	byID    map[string]*docxStyle
	current *docxStyle
}

func readDOCXStyles(data []byte) (*docxStyles, error) {
	s := &docxStyles{byID: map[string]*docxStyle{}}
	if data == nil {
		return s, nil
	}
	return s, scanXML(data).each(s)
}

func (s *docxStyles) start(_ *xmlScanner, t xml.StartElement) error {
	value := attr(t.Attr, "val")
	switch name := t.Name.Local; {
	case name == "style":
		s.current = &docxStyle{}
		s.byID[attr(t.Attr, "styleId")] = s.current
	case s.current == nil:
	case name == "name":
		s.current.name = strings.ToLower(value)
	case name == "basedOn":
		s.current.basedOn = value
	case name == "outlineLvl":
		s.current.outline = outlineLevel(value)
	case name == "numId":
		s.current.list.id = smallNumber(value)
	case name == "ilvl":
		s.current.list.depth = smallNumber(value)
	}
	return nil
}

func (s *docxStyles) end(name string) {
	if name == "style" {
		s.current = nil
	}
}

func (s *docxStyles) text([]byte) {}

// maxInheritance limits how many ancestors of a style are followed: they may form a cycle.
const maxInheritance = 10

// resolve returns the heading level and the list of a style, its own or inherited, and whether its text is left out
// because it belongs to a table of contents, which repeats the headings.
func (s *docxStyles) resolve(id string) (level int, list docxList, left bool) {
	for range maxInheritance {
		style := s.byID[id]
		if style == nil {
			return level, list, left
		}
		if level == 0 {
			level = headingOf(style)
		}
		if list.id == 0 {
			list = style.list
		}
		left = left || strings.HasPrefix(style.name, "toc ") && style.name != "toc heading"
		id = style.basedOn
	}
	return level, list, left
}

func headingOf(s *docxStyle) int {
	switch {
	case s.name == "title":
		return 1
	case strings.HasPrefix(s.name, "heading "):
		return smallNumber(strings.TrimPrefix(s.name, "heading "))
	default:
		return s.outline
	}
}

// outlineLevel converts w:outlineLvl to a heading level; 9 is body text.
func outlineLevel(value string) int {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 8 {
		return 0
	}
	return n + 1
}

// smallNumber parses a number from 0 to 65,535; it returns 0 for anything else.
func smallNumber(s string) int {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	if err != nil {
		return 0
	}
	return int(n) //nolint:gosec // 16 bits
}

// docxNumbering contains the numbering of lists, from numbering.xml.
type docxNumbering struct {
	abstract map[int]int                 // of a numbering definition
	formats  map[int]map[int]docxNumber  // by abstract definition and depth
	starts   map[int]map[int]int         // overrides of the first number, by definition and depth
	counts   map[int]map[int]int         // numbers given so far, by definition and depth
	at       struct{ abs, num, lvl int } // while reading
}

type docxNumber struct {
	ordered bool
	start   int
}

func readDOCXNumbering(data []byte) (*docxNumbering, error) {
	n := &docxNumbering{abstract: map[int]int{}, formats: map[int]map[int]docxNumber{}, starts: map[int]map[int]int{}, counts: map[int]map[int]int{}}
	n.at.abs, n.at.num = -1, -1
	if data == nil {
		return n, nil
	}
	return n, scanXML(data).each(n)
}

func (n *docxNumbering) start(_ *xmlScanner, t xml.StartElement) error {
	value := attr(t.Attr, "val")
	switch t.Name.Local {
	case "abstractNum":
		n.at.abs, n.at.num = smallNumber(attr(t.Attr, "abstractNumId")), -1
		n.formats[n.at.abs] = map[int]docxNumber{}
	case "num":
		n.at.abs, n.at.num = -1, smallNumber(attr(t.Attr, "numId"))
	case "lvl", "lvlOverride":
		n.at.lvl = smallNumber(attr(t.Attr, "ilvl"))
	case "abstractNumId":
		n.abstract[n.at.num] = smallNumber(value)
	case "numFmt", "start":
		if levels := n.formats[n.at.abs]; levels != nil {
			level := levels[n.at.lvl]
			if t.Name.Local == "start" {
				level.start = smallNumber(value)
			} else {
				level.ordered = value != "bullet" && value != "none"
			}
			levels[n.at.lvl] = level
		}
	case "startOverride":
		if n.starts[n.at.num] == nil {
			n.starts[n.at.num] = map[int]int{}
		}
		n.starts[n.at.num][n.at.lvl] = smallNumber(value)
	}
	return nil
}

func (n *docxNumbering) end(string)  {}
func (n *docxNumbering) text([]byte) {}

// next returns the number of an item; 0 for a bullet. It restarts the numbering of deeper lists.
func (n *docxNumbering) next(l docxList) int {
	format, known := n.formats[n.abstract[l.id]][l.depth]
	if !known || !format.ordered {
		return 0
	}
	counts := n.counts[l.id]
	if counts == nil {
		counts = map[int]int{}
		n.counts[l.id] = counts
	}
	for depth := range counts {
		if depth > l.depth {
			delete(counts, depth)
		}
	}
	if _, begun := counts[l.depth]; !begun {
		first := max(format.start, 1)
		if start, over := n.starts[l.id][l.depth]; over {
			first = start
		}
		counts[l.depth] = first - 1
	}
	counts[l.depth]++
	return counts[l.depth]
}
