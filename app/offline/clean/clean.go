// Package clean turns material that a student pastes (Markdown, HTML, the text of a PDF, a web page)
// into plain lines: headings begin with "# ", list items with "- ", table rows with "| ". Its main
// idea: all later packages read one form of text, and everything that was removed is reported.
package clean

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Text is cleaned material.
type Text struct {
	Lines   string   // one paragraph, heading, item or row per line or lines
	Bold    []string // phrases that were emphasised, as written
	Dropped []string // the parts that were left out: "2 code blocks", "4 page headers"

	formulas []string
}

// firstFormula is the first of the private-use characters that replace formulas, so that no later
// step can cut one. A text may have maxFormulas formulas; further ones are dropped.
const (
	firstFormula = '\ue000'
	maxFormulas  = 6000
)

// IsFormula reports whether r replaces a formula.
func IsFormula(r rune) bool { return r >= firstFormula && r < firstFormula+maxFormulas }

// HasFormula reports whether s contains a formula.
func HasFormula(s string) bool { return strings.ContainsFunc(s, IsFormula) }

// Restore puts the formulas back into s; encode is applied to each.
func (t Text) Restore(s string, encode func(string) string) string {
	if len(t.formulas) == 0 || !HasFormula(s) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if i := int(r - firstFormula); IsFormula(r) && i < len(t.formulas) {
			out.WriteString(encode(t.formulas[i]))
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// Clean cleans material. Its time is linear in the length of the material.
func Clean(material string) Text {
	c := cleaner{dropped: make(map[string]int)}
	s := normalize(material)
	if isHTML(s) {
		s = c.readHTML(s)
	}
	s = c.takeFormulas(s)
	lines := c.readMarkdown(strings.Split(s, "\n"))
	lines = joinHyphens(c.dropFurniture(lines))
	c.out.Lines = strings.Join(joinLists(lines), "\n")
	c.report()
	return c.out
}

// A cleaner cleans a text and counts the parts that it drops.
type cleaner struct {
	out     Text
	dropped map[string]int
}

// kinds are the kinds of parts that can be dropped, in the order of the report.
var kinds = []string{"front matter", "code block", "image", "link address", "page header", "page number", "row of numbers", "navigation line", "formula"}

func (c *cleaner) report() {
	for _, kind := range kinds {
		switch n := c.dropped[kind]; {
		case n == 1 || n > 0 && kind == "front matter":
			c.out.Dropped = append(c.out.Dropped, "1 "+kind)
		case n > 1 && strings.HasSuffix(kind, "ss"):
			c.out.Dropped = append(c.out.Dropped, strconv.Itoa(n)+" "+kind+"es")
		case n > 1 && kind == "row of numbers":
			c.out.Dropped = append(c.out.Dropped, strconv.Itoa(n)+" rows of numbers")
		case n > 1:
			c.out.Dropped = append(c.out.Dropped, strconv.Itoa(n)+" "+kind+"s")
		}
	}
}

var unusual = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n", "\f", "\n\n", "\x00", "", "\u00ad", "",
	"\u200b", "", "\u200e", "", "\ufeff", "", "\u00a0", " ", "\u202f", " ", "ﬁ", "fi", "ﬂ", "fl", "ﬀ", "ff", "ﬃ", "ffi", "ﬄ", "ffl")

// unusualFirst are the first characters of the strings that unusual replaces.
const unusualFirst = "\r\u2028\u2029\f\x00\u00ad\u200b\u200e\ufeff\u00a0\u202fﬁﬂﬀﬃﬄ"

// normalize returns s as valid UTF-8 with "\n" at line ends, without invisible characters and without
// the characters that replace formulas.
func normalize(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.ContainsAny(s, unusualFirst) {
		s = unusual.Replace(s)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case IsFormula(r):
			return utf8.RuneError
		case r >= 0x1f000 && r < 0x1fb00, r >= 0x2600 && r < 0x27c0, r == 0xfe0f:
			return -1 // emoji
		}
		return r
	}, s)
}

// maxFormula bounds a formula, in bytes.
const maxFormula = 600

// takeFormulas replaces each formula ($…$, $$…$$, \(…\), \[…\] or a LaTeX environment) by one character.
func (c *cleaner) takeFormulas(s string) string {
	if !strings.ContainsAny(s, `$\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		at := strings.IndexAny(s, `$\`)
		if at < 0 {
			break
		}
		out = append(out, s[:at]...)
		s = s[at:]
		open, end := formulaAt(s)
		if end == 0 {
			out = append(out, s[0])
			s = s[1:]
			continue
		}
		out = c.appendFormula(out, s[:end], open != "$" && open != `\(`)
		s = s[end:]
	}
	return string(append(out, s...))
}

// appendFormula appends the character of a formula. A displayed formula belongs to the sentence
// that announces it.
func (c *cleaner) appendFormula(out []byte, formula string, displayed bool) []byte {
	if len(c.out.formulas) == maxFormulas {
		c.dropped["formula"]++
		return out
	}
	mark := string(firstFormula + rune(len(c.out.formulas)))
	c.out.formulas = append(c.out.formulas, strings.Join(strings.Fields(formula), " "))
	if displayed {
		out = append(bytes.TrimRight(out, " \n"), ' ')
	}
	return append(out, mark...)
}

// formulaAt returns the opening mark and the length of the formula at the start of s; 0 if there is
// no formula.
func formulaAt(s string) (open string, end int) {
	for _, pair := range [][2]string{{"$$", "$$"}, {`\(`, `\)`}, {`\[`, `\]`}, {`\begin{`, `\end{`}} {
		if !strings.HasPrefix(s, pair[0]) {
			continue
		}
		limit := min(len(s), maxFormula)
		at := strings.Index(s[len(pair[0]):limit], pair[1])
		if at < 0 {
			return "", 0
		}
		end = len(pair[0]) + at + len(pair[1])
		if pair[1] == `\end{` {
			if brace := strings.IndexByte(s[end:], '}'); brace >= 0 {
				end += brace + 1
			}
		}
		return pair[0], end
	}
	if s[0] == '$' {
		return "$", dollarsAt(s)
	}
	return "", 0
}

// dollarsAt returns the length of the formula between two dollar signs at the start of s; 0 if they are sums of money.
func dollarsAt(s string) int {
	line := s[1:min(len(s), maxFormula)]
	at := strings.IndexByte(line, '$')
	if at < 1 || strings.Contains(line[:at], "\n\n") || line[0] == ' ' || line[at-1] == ' ' {
		return 0
	}
	digit := func(i int) bool { return i < len(line) && line[i] >= '0' && line[i] <= '9' }
	if (digit(0) || digit(at+1)) && !strings.ContainsAny(line[:at], `\^_{}=`) {
		return 0 // $5 and $6
	}
	return at + 2
}
