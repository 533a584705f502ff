package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Section is a heading and the text under it.
type Section struct {
	Heading    string   // "" for text before the first heading
	Paragraphs []string // with wrapped lines joined; each list item is a paragraph; may be empty
}

// Sections returns the sections of s in order. A heading is a short line without final
// punctuation on a line of its own, a "#" line, or a line underlined with "===" or "---". Text
// without headings is one section.
func Sections(s string) []Section {
	var out []Section
	for _, b := range blocksOf(s) {
		if b.kind == heading {
			out = append(out, Section{Heading: b.text})
			continue
		}
		if len(out) == 0 {
			out = append(out, Section{})
		}
		last := &out[len(out)-1]
		last.Paragraphs = append(last.Paragraphs, b.text)
	}
	return out
}

type blockKind int

const (
	paragraph blockKind = iota
	heading
	item // list item, or a "Term: meaning" line
)

// block is a heading, a paragraph or a list item, with its white space collapsed.
type block struct {
	kind blockKind
	text string
}

var (
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n", "\f", "\n\n", "\x00", "")
	emphasis = strings.NewReplacer("**", "", "__", "", "`", "")
)

// collapse replaces each run of white space by one space, and removes it at both ends.
func collapse(s string) string {
	before := ' '
	for _, r := range s {
		if unicode.IsSpace(r) && (r != ' ' || before == ' ') {
			return strings.Join(strings.Fields(s), " ")
		}
		before = r
	}
	return strings.TrimSuffix(s, " ")
}

// blocksOf splits s into blocks.
func blocksOf(s string) []block {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.ContainsAny(s, "\r\u2028\u2029\f\x00") {
		s = lineEnds.Replace(s)
	}
	lines := strings.Split(s, "\n")
	var c blockCutter
	guardEach(len(lines), func(i int) {
		next := ""
		if i+1 < len(lines) {
			next = lines[i+1]
		}
		c.line(lines[i], next, i+1 < len(lines))
	})
	c.flush()
	return c.demoted()
}

// blockCutter collects lines into blocks.
type blockCutter struct {
	out   []block
	parts []string // of the block being gathered
	kind  blockKind
}

func (c *blockCutter) flush() {
	if text := collapse(strings.Join(c.parts, " ")); text != "" { // removed marks leave spaces
		c.out = append(c.out, block{c.kind, text})
	}
	c.parts, c.kind = nil, paragraph
}

// line adds a line, given the one after it.
func (c *blockCutter) line(line, next string, more bool) {
	flat := collapse(line)
	mark := listMark(flat)
	switch {
	case flat == "":
		c.flush()
	case isRule(flat):
		if len(c.parts) == 1 && len(c.parts[0]) <= maxHeadingBytes && c.kind != item {
			c.kind = heading
		}
		c.flush()
	case flat[0] == '#' && len(flat) <= maxHeadingBytes && strings.TrimLeft(flat, "# ") != "":
		c.flush()
		c.parts, c.kind = []string{plain(strings.Trim(flat, "# "))}, heading
		c.flush()
	case mark > 0 && !(numbered(flat) && IsHeading(flat[mark:], next)):
		c.flush()
		c.parts, c.kind = append(c.parts, plain(flat[mark:])), item
	case more && c.atStart() && IsHeading(flat, next):
		c.flush()
		c.parts, c.kind = []string{plain(strings.TrimSuffix(flat, ":"))}, heading
		c.flush()
	case labelled(flat) && c.atStart():
		c.flush()
		c.parts, c.kind = append(c.parts, plain(flat)), item
	default:
		if c.kind == item && line == strings.TrimLeft(line, " \t") && StartsUpper(flat) {
			c.flush()
		}
		c.parts = append(c.parts, plain(flat))
	}
}

// atStart reports whether the next line may begin a block of its own.
func (c *blockCutter) atStart() bool {
	if len(c.parts) == 0 || c.kind == item {
		return true
	}
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRight(c.parts[len(c.parts)-1], `"'”’)`))
	return EndsSentence(last) || last == ':'
}

// demoted returns the blocks; headings at the end, which have no text below them, become paragraphs.
func (c *blockCutter) demoted() []block {
	for i := len(c.out) - 1; i >= 0 && c.out[i].kind == heading; i-- {
		c.out[i].kind = paragraph
	}
	return c.out
}

// plain removes Markdown's emphasis marks.
func plain(s string) string {
	if !strings.ContainsAny(s, "*_`") {
		return s
	}
	return emphasis.Replace(s)
}

// listMark returns the length of the list mark at the start of line, or 0.
func listMark(line string) int {
	r, size := utf8.DecodeRuneInString(line)
	if strings.ContainsRune("-*+•‣◦▪·–—", r) && strings.HasPrefix(line[size:], " ") {
		return size + 1
	}
	i := 0
	for i < len(line) && i < 3 && IsDigit(rune(line[i])) {
		i++
	}
	if i > 0 && i+1 < len(line) && (line[i] == '.' || line[i] == ')') && line[i+1] == ' ' {
		return i + 2
	}
	return 0
}

func numbered(line string) bool { return IsDigit(rune(line[0])) }

// isRule reports whether line consists of one repeated mark, like the line below a heading.
func isRule(line string) bool {
	return len(line) >= 3 && strings.ContainsRune("=-*_~", rune(line[0])) && strings.Trim(line, line[:1]) == ""
}

// labelled reports whether line has the form "Term: meaning".
func labelled(line string) bool {
	at := strings.Index(line, ": ")
	if at < 2 || at > 60 || strings.ContainsAny(line[:at], ".,;!?") {
		return false
	}
	return StartsUpper(line) && strings.Count(line[:at], " ") <= 5
}

// StartsUpper reports whether s, without opening quotes and brackets, does not begin with a lower-case letter.
func StartsUpper(s string) bool {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, `"'“‘([`))
	return !unicode.IsLower(r)
}

const (
	maxHeadingBytes = 120
	maxHeadingWords = 12
)

// IsHeading reports whether a line, without white space around it, reads like an unmarked heading, given the line below
// it.
func IsHeading(line, next string) bool {
	if len(line) > maxHeadingBytes || !StartsUpper(line) {
		return false
	}
	words := strings.Fields(line)
	next = strings.TrimSpace(next)
	last, _ := utf8.DecodeLastRuneInString(line)
	switch {
	case len(words) > maxHeadingWords || strings.Contains(line, ": ") || listMark(next) == 0 && next != "" && !StartsUpper(next):
		return false
	case last == ':':
		return len(words) <= 8
	case last == '?' || last == '？':
		return len(words) <= 9 && next != ""
	case EndsSentence(last) || strings.ContainsRune(",;!、，；", last):
		return false
	case len(words) == 1 && IsUnspaced(line):
		return utf8.RuneCountInString(line) <= 20
	case titled(words):
		return true
	case next == "":
		return len(words) <= 10 && !speaks(words)
	default:
		return len(words) <= 7 && !speaks(words) && (len(next) > len(line)*3/2 || listMark(next) > 0)
	}
}

// IsUnspaced reports whether s begins in a script that is written without spaces.
func IsUnspaced(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return Unspaced(r)
}

// titled reports whether every content word begins with a capital or a digit.
func titled(words []string) bool {
	for _, w := range words {
		r, _ := utf8.DecodeRuneInString(strings.TrimLeft(w, `"'“‘([`))
		if unicode.IsLower(r) && !stopWords.Has(strings.ToLower(w)) {
			return false
		}
	}
	return len(words) > 1 || !speaks(words)
}

// speaks reports whether the words contain a finite auxiliary, as a sentence would.
func speaks(words []string) bool {
	for i, w := range words {
		if i > 0 && auxiliaries.Has(strings.ToLower(w)) {
			return true
		}
	}
	return false
}
