package parse

import "studysharper/app/study"

// itemPath is the path to the items in the JSON of a type, innermost first.
var itemPath = map[study.Type][]string{
	study.Flashcards: {"flashcards"},
	study.Quiz:       {"questions"},
	study.Exam:       {"questions", "sections"},
	study.Summary:    {"main_points"},
	study.Plan:       {"sessions"},
}

// Scanner finds the items of an aid in the text of an answer while it arrives. Its results are provisional: the
// complete answer decides. It buffers only the text of the open item and, before the first item, of the objects around
// it.
type Scanner struct {
	Type study.Type
	// Found is called with an object of the answer as an aid with one item. It reports whether that is a usable item;
	// if not, the object may be one that contains an item, or something else.
	Found func(study.Aid) bool

	text     []byte  // from the beginning of the first frame that has not found an item
	open     []frame // brackets
	inString bool
	escaped  bool
}

// frame is an open bracket.
type frame struct {
	bracket byte
	at      int  // in the text
	spent   bool // an item was found inside, so the object around it is not an item
}

// Write reads the next piece of the answer.
func (s *Scanner) Write(piece string) {
	if itemPath[s.Type] == nil {
		return
	}
	for i := range len(piece) {
		if c := piece[i]; len(s.open) > 0 || c == '{' || c == '[' {
			s.text = append(s.text, c)
			s.read(c)
		}
	}
}

func (s *Scanner) read(c byte) {
	switch {
	case s.inString:
		s.inString = s.escaped || c != '"'
		s.escaped = !s.escaped && c == '\\'
	case c == '"':
		s.inString = true
	case c == '{' || c == '[':
		if len(s.open) == maxDepth {
			s.reset()
			return
		}
		s.open = append(s.open, frame{bracket: c, at: len(s.text) - 1})
	case c == '}' || c == ']':
		s.close()
	}
}

func (s *Scanner) close() {
	top := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	inList := len(s.open) > 0 && s.open[len(s.open)-1].bracket == '['
	if top.bracket == '{' && inList && !top.spent && s.emit(s.text[top.at:]) {
		for i := range s.open {
			s.open[i].spent = true
		}
		s.text = s.text[:0]
	}
	if len(s.open) == 0 {
		s.reset()
	}
}

func (s *Scanner) reset() { s.text, s.open, s.inString = s.text[:0], s.open[:0], false }

// emit reads an object as an item and reports whether Found accepts it.
func (s *Scanner) emit(object []byte) bool {
	text := string(object)
	o := readValue(s.Type, false, func() any {
		value, _, _ := parseRelaxed(text)
		for _, name := range itemPath[s.Type] {
			value = map[string]any{name: []any{value}}
		}
		return value
	})
	return o.aid != nil && s.Found(o.aid)
}
