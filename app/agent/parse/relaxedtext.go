package parse

import (
	"strings"
	"unicode/utf8"

	apptext "studysharper/app/text"
)

// quotes are the quotation marks of strings.
var quotes = []struct{ opening, closing string }{{`"`, `"`}, {"'", "'"}, {"“", "”“"}, {"„", "“”"}, {"‘", "’‘"}, {"«", "»"}}

// closingQuotes returns the closing marks for the quote that s starts with, or "" if s does not start with a quote.
func closingQuotes(s string) string {
	for _, q := range quotes {
		if strings.HasPrefix(s, q.opening) {
			return q.closing
		}
	}
	return ""
}

// text parses a string. A quote ends it only where the string can end, because it may be an apostrophe or a quote that
// should have been escaped.
func (r *relaxed) text(isKey bool) (any, bool) {
	closing := closingQuotes(r.s[r.at:])
	_, size := utf8.DecodeRuneInString(r.s[r.at:])
	r.at += size
	var b strings.Builder
	for r.at < len(r.s) {
		c, size := utf8.DecodeRuneInString(r.s[r.at:])
		switch {
		case c == '\\':
			r.escape(&b)
			continue
		case strings.ContainsRune(closing, c) && r.endsAfter(size, isKey):
			r.at += size
			return b.String(), true
		case c == '\n', c == '\t', c >= ' ':
			b.WriteString(r.s[r.at : r.at+size])
		case c == '\r', c == 0:
		default:
			b.WriteByte(' ')
		}
		r.at += size
	}
	r.cut = true
	return b.String(), false
}

// endsAfter reports whether the following text may come after a key or a value. It returns true for all valid JSON.
func (r *relaxed) endsAfter(size int, isKey bool) bool {
	after := r.s[r.at+size:]
	rest := strings.TrimLeft(after, " \t\r\n")
	switch {
	case rest == "", isKey && rest[0] == ':':
		return true
	case isKey:
		return false
	case rest[0] == ',':
		return beginsNext(strings.TrimLeft(rest, ", \t\r\n"))
	default:
		return rest[0] == '}' || rest[0] == ']' || strings.HasPrefix(rest, "//") || strings.HasPrefix(rest, "/*") ||
			len(rest) < len(after) && beginsString(rest) // the comma is missing
	}
}

func beginsString(s string) bool { return closingQuotes(s) != "" }

// beginsNext reports whether s, after a comma, begins with a value, a key, a comment or an end.
func beginsNext(s string) bool {
	if s == "" || strings.IndexByte("{}[]/.-0123456789", s[0]) >= 0 || beginsString(s) {
		return true
	}
	word := s[:len(s)-len(strings.TrimLeftFunc(s, func(c rune) bool { return c == '_' || c < utf8.RuneSelf && isAlphanumeric(byte(c)) }))]
	switch strings.ToLower(word) {
	case "true", "false", "null", "none":
		return true
	}
	return word != "" && strings.HasPrefix(strings.TrimLeft(s[len(word):], " "), ":")
}

// escape parses an escape. A backslash that JSON does not define belongs to TeX and stays.
func (r *relaxed) escape(b *strings.Builder) {
	rest := r.s[r.at+1:]
	if rest == "" {
		r.at++
		return
	}
	if tex[letters(rest)] {
		b.WriteByte('\\')
		r.at++
		return
	}
	switch c := rest[0]; c {
	case '"', '\\', '/', '\'':
		b.WriteByte(c)
	case 'n', '\n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r', 'b', 'f', '\r':
	case 'u':
		if c, size := apptext.UnicodeEscape(r.s[r.at:]); size > 0 {
			if c != 0 {
				b.WriteRune(c)
			}
			r.at += size
			return
		}
		b.WriteByte('\\')
		r.at++
		return
	default:
		b.WriteByte('\\')
		r.at++
		return
	}
	r.at += 2
}

// letters returns the letters that s begins with.
func letters(s string) string {
	n := 0
	for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return s[:n]
}

// tex are the commands that begin like a JSON escape: \frac is not a form feed.
var tex = words(`bar begin beta bf big bigg binom bmod boldsymbol bot boxed bullet
	fbox flat forall frac frown
	nabla natural ne nearrow neg neq newline nexists ni nleq nmid not notin nsubseteq nu nwarrow
	rangle rbrace rceil Re rfloor rho right rightarrow rightharpoonup rightleftharpoons rm root
	tan tanh tau tbinom text textbf textit textrm textstyle tfrac therefore theta tilde times to top triangle
	underbrace underline underset unlhd uparrow uplus upsilon`)

func words(list string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}
