// Package passages splits a text into passages, the pieces that are searched, ranked, sent to a model and cited. The
// one idea: a passage is a slice of its text, so that everything found in a passage has a known position in the whole
// text.
package passages

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/text"
)

// Limits of a passage's length, in code points. Only the last passage of a text, or one before a very long word, may be
// shorter.
const (
	MinRunes = 800
	MaxRunes = 1500
)

// Passage is a piece of a text, without surrounding white space.
type Passage struct {
	Section string // the heading above its beginning; "" = none
	Page    int    // page of its beginning, from 1; 0 = unknown
	Start   int    // of Text in the whole text, in code points
	End     int    // end of Text in the whole text, in code points
	Text    string
}

// Split splits text into passages, in order: before a heading if there is one nearby, otherwise between paragraphs or,
// if that is impossible, between sentences. Each character is in exactly one passage, except white space and page marks
// at the end. The passages share the memory of text. A line "<!-- page N -->" or "<!-- slide N -->" gives the page of
// the following text.
func Split(text string) []Passage {
	c := cutter{text: text, marks: findMarks(text)}
	var out []Passage
	for c.at < len(text) {
		if p, ok := c.next(); ok {
			out = append(out, p)
		}
	}
	return out
}

// Place returns the section and the page of the character at an offset, in code points, in the passage's text.
func (p Passage) Place(offset int) (section string, page int) {
	section, page = p.Section, p.Page
	at := 0
	for i := range p.Text {
		if at == offset {
			return inForce(findMarks(p.Text), i, section, page)
		}
		at++
	}
	return inForce(findMarks(p.Text), len(p.Text), section, page)
}

// cutter splits a text from its beginning to its end.
type cutter struct {
	text  string
	marks []mark
	at    int // byte
	rune  int // the same position in code points

	section string // current section before at
	page    int
}

// next returns the passage that begins at c.at and advances to its end. ok is false if the rest contains only white
// space and page marks.
func (c *cutter) next() (Passage, bool) {
	end := c.cut()
	whole := c.text[c.at:end]
	left := strings.TrimLeftFunc(whole, unicode.IsSpace)
	trimmed := strings.TrimRightFunc(left, unicode.IsSpace)
	start := c.rune + utf8.RuneCountInString(whole[:len(whole)-len(left)])
	p := Passage{Start: start, End: start + utf8.RuneCountInString(trimmed), Text: trimmed}
	begin := end - len(left)
	p.Section, p.Page = inForce(c.marks, begin, c.section, c.page)
	bare := begin // a passage that consists of page marks is skipped
	for _, m := range c.marks {
		if m.at == bare && m.page > 0 {
			bare += m.size
		}
		if m.at >= end {
			break
		}
	}
	c.pass(end)
	c.rune += utf8.RuneCountInString(whole)
	c.at = end
	return p, trimmed != "" && bare < end
}

// pass removes the marks before end and stores their section and page.
func (c *cutter) pass(end int) {
	n := 0
	for n < len(c.marks) && c.marks[n].at < end {
		n++
	}
	if n > 0 {
		c.section, c.page = inForce(c.marks[:n], end, c.section, c.page)
	}
	c.marks = c.marks[n:]
}

// cut returns the end of the passage that begins at c.at, in bytes.
func (c *cutter) cut() int {
	least, most := c.reach(MinRunes), c.reach(MaxRunes)
	for i, m := range c.marks {
		if m.at > most {
			break
		}
		if i > 0 && c.marks[i-1].page > 0 && c.marks[i-1].at+c.marks[i-1].size == m.at {
			m.at = c.marks[i-1].at // the heading begins a page, so that the page mark belongs to it
		}
		if m.heading() && m.at >= least {
			return m.at
		}
	}
	if most == len(c.text) {
		return most
	}
	window := c.text[least:most]
	for _, find := range []func(string) int{c.lastParagraph, lastSentence, lastLine, lastSpace} {
		if i := find(window); i > 0 {
			return least + i
		}
	}
	return most
}

// reach returns the index of the byte n code points after c.at.
func (c *cutter) reach(n int) int {
	for i := range c.text[c.at:] {
		if n == 0 {
			return c.at + i
		}
		n--
	}
	return len(c.text)
}

// lastParagraph returns the end of the last paragraph within s, or -1. It does not separate a page mark from its page.
func (c *cutter) lastParagraph(s string) int {
	for end := len(s); ; {
		i := strings.LastIndex(s[:end], "\n\n")
		if i < 0 {
			return -1
		}
		if line := s[strings.LastIndexByte(s[:i], '\n')+1 : i]; pageOf(line) == 0 {
			return i + 2
		}
		end = i
	}
}

// lastSentence returns the end of the last sentence within s, or -1.
func lastSentence(s string) int {
	for i := len(s); i > 0; {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		if text.EndsSentence(r) {
			next, n := utf8.DecodeRuneInString(s[i:])
			if r > '…' || n > 0 && unicode.IsSpace(next) {
				return i
			}
		}
		i -= size
	}
	return -1
}

func lastLine(s string) int { return strings.LastIndexByte(s, '\n') + 1 }

func lastSpace(s string) int { return strings.LastIndexFunc(s, unicode.IsSpace) + 1 }

// mark is a heading or a page mark: a line that gives the section or page of the following text.
type mark struct {
	at, size int    // bytes; for a page mark with the following white space
	section  string // "" in a page mark
	page     int    // 0 in a heading
}

func (m mark) heading() bool { return m.page == 0 }

// inForce returns the section and page at a byte, given the marks and the section and page before them.
func inForce(marks []mark, at int, section string, page int) (string, int) {
	begins := at // a heading after a page mark begins at the same place
	for _, m := range marks {
		switch {
		case m.at > begins:
			return section, page
		case m.heading():
			section = m.section
		default:
			page = m.page
			if m.at == begins {
				begins += m.size
			}
		}
	}
	return section, page
}

// findMarks returns the headings and page marks of a text, in order. Lines of a fenced code block are not headings.
func findMarks(s string) (marks []mark) {
	before, fence := "", ""
	for at := 0; at < len(s); {
		line, rest := cutLine(s[at:])
		flat := strings.TrimSpace(line)
		switch opens := fenceOf(flat); {
		case fence != "":
			if strings.HasPrefix(flat, fence) && strings.Trim(flat, fence[:1]) == "" {
				fence = ""
			}
		case opens != "":
			fence = opens
		default:
			next, _ := cutLine(rest)
			if m := markOf(flat, before, strings.TrimSpace(next)); m != (mark{}) {
				m.at, m.size = at, len(s)-at-len(rest)
				if m.page > 0 {
					m.size = len(s) - at - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
					flat = "" // the next line is the beginning of a page
				}
				marks = append(marks, m)
			}
		}
		before = flat
		at = len(s) - len(rest)
	}
	return marks
}

func cutLine(s string) (line, rest string) {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func fenceOf(line string) string {
	for _, f := range []string{"```", "~~~"} {
		if strings.HasPrefix(line, f) {
			return f
		}
	}
	return ""
}

// markOf returns the mark that a line represents, given its neighbours.
func markOf(line, before, next string) mark {
	if line == "" || strings.IndexFunc(line, unicode.IsLetter) < 0 {
		return mark{}
	}
	if page := pageOf(line); page > 0 {
		return mark{page: page}
	}
	if marked := strings.TrimLeft(line, "#"); marked != line {
		if name := strings.Trim(marked, "# \t"); name != "" && marked[0] == ' ' && len(line)-len(marked) <= 6 {
			return mark{section: plain(name)}
		}
		return mark{}
	}
	underlined := len(next) >= 3 && (strings.Trim(next, "=") == "" || strings.Trim(next, "-") == "")
	if before == "" && (underlined && len(line) <= 200 || text.IsHeading(line, next)) {
		return mark{section: plain(strings.TrimSuffix(line, ":"))}
	}
	return mark{}
}

func plain(s string) string { return emphasis.Replace(s) }

var emphasis = strings.NewReplacer("**", "", "__", "", "`", "")

// pageOf returns the page of a page mark, or 0 for any other line.
func pageOf(line string) int {
	inner, ok := strings.CutPrefix(strings.TrimSpace(line), "<!--")
	inner, closed := strings.CutSuffix(inner, "-->")
	words := strings.Fields(inner)
	if !ok || !closed || len(words) != 2 || words[0] != "page" && words[0] != "slide" {
		return 0
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 1 {
		return 0
	}
	return n
}
