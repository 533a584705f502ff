package parse

import (
	"strings"
	"unicode/utf8"

	apptext "studysharper/app/text"
)

// quotes are the marks that a string may stand in.
var quotes = []struct{ opening, closing string }{{`"`, `"`}, {"'", "'"}, {"“", "”“"}, {"„", "“”"}, {"‘", "’‘"}, {"«", "»"}}

// closingQuotes are those for the quote that s starts with; "" = none.
func closingQuotes(s string) string {
	for _, q := range quotes {
		if strings.HasPrefix(s, q.opening) {
			return q.closing
		}
	}
	return ""
}

// text reads a string. A quote other than JSON's own ends it only where the string can end,
// for it may be an apostrophe.
func (r *relaxed) text() (any, bool) {
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
		case strings.ContainsRune(closing, c) && (closing == `"` || r.endsAfter(size)):
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

// endsAfter reports whether what follows may follow a string.
func (r *relaxed) endsAfter(size int) bool {
	rest := strings.TrimLeft(r.s[r.at+size:], " \t\r\n")
	return rest == "" || strings.IndexByte(",:]}", rest[0]) >= 0
}

// escape reads an escape. A backslash that JSON does not know is TeX's, and stays.
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

// letters are those that s begins with.
func letters(s string) string {
	n := 0
	for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return s[:n]
}

// tex are the commands that begin like an escape of JSON: \frac is not a form feed.
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
