package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// QuoteIndex finds quotes in a text. It compares letters and digits in order, and ignores case, spaces, punctuation,
// accents, HTML tags and addresses of Markdown links. It needs about as much memory as the text, and is safe for
// concurrent use.
type QuoteIndex struct {
	text  string
	plain string  // the letters and digits of text, folded
	marks []place // one for every markEvery bytes of plain
}

// place is one position, counted in three ways.
type place struct{ plain, bytes, runes int }

const (
	markEvery = 128
	maxTries  = 100 // occurrences that are only parts of longer words
)

// NewQuoteIndex indexes a text.
func NewQuoteIndex(s string) *QuoteIndex {
	x := &QuoteIndex{text: s}
	var out strings.Builder
	out.Grow(len(s))
	next := 0
	eachFolded(s, place{}, func(at place, folded []byte) bool {
		if at.plain >= next {
			x.marks = append(x.marks, at)
			next = at.plain + markEvery
		}
		out.Write(folded)
		return true
	})
	x.plain = out.String()
	return x
}

// Span is a part of a text.
type Span struct {
	Start, End int // in code points
	From, To   int // in bytes
}

// Find returns the first occurrence of the quote in the text, in whole words. ok is false if the text does not contain
// the quote, or if the quote contains neither a letter nor a digit.
func (x *QuoteIndex) Find(quote string) (s Span, ok bool) {
	folded := foldQuote(quote)
	if folded == "" {
		return Span{}, false
	}
	from := 0
	for range maxTries {
		i := strings.Index(x.plain[from:], folded)
		if i < 0 {
			return Span{}, false
		}
		from += i
		if s, ok = x.span(from, from+len(folded)); ok {
			return x.withPunctuation(s, quote), true
		}
		_, size := utf8.DecodeRuneInString(x.plain[from:])
		from += size
	}
	return Span{}, false
}

// span returns the part of the text that corresponds to plain[from:to]; ok is false if it does not consist of whole
// words.
func (x *QuoteIndex) span(from, to int) (s Span, ok bool) {
	first, found := x.runeAt(from)
	last, ended := x.runeAt(to - 1)
	if !found || !ended || first.plain != from {
		return Span{}, false
	}
	_, size := utf8.DecodeRuneInString(x.text[last.bytes:])
	s = Span{Start: first.runes, End: last.runes + 1, From: first.bytes, To: last.bytes + size}
	after, size := utf8.DecodeRuneInString(x.text[s.To:])
	for ; unicode.IsMark(after); after, size = utf8.DecodeRuneInString(x.text[s.To:]) {
		s.To, s.End = s.To+size, s.End+1
	}
	before, _ := utf8.DecodeLastRuneInString(x.text[:s.From])
	begins, _ := utf8.DecodeRuneInString(x.text[s.From:])
	ends, _ := utf8.DecodeLastRuneInString(x.text[:s.To])
	return s, !sameWord(before, begins) && !sameWord(ends, after)
}

// runeAt returns the position of the character of the text that corresponds to byte i of plain.
func (x *QuoteIndex) runeAt(i int) (at place, ok bool) {
	n, exact := slices.BinarySearchFunc(x.marks, i, func(m place, i int) int { return m.plain - i })
	if !exact {
		n--
	}
	if n < 0 {
		return place{}, false
	}
	eachFolded(x.text, x.marks[n], func(p place, folded []byte) bool {
		at, ok = p, i < p.plain+len(folded)
		return !ok
	})
	return at, ok
}

// withPunctuation extends a span by the punctuation around the quote's words if the text has the same: brackets, a
// sign, the full stop.
func (x *QuoteIndex) withPunctuation(s Span, quote string) Span {
	counts := func(r rune) bool { return len(foldRune(nil, r)) > 0 }
	quote = strings.TrimSpace(quote)
	first, last := strings.IndexFunc(quote, counts), strings.LastIndexFunc(quote, counts)
	if lead := quote[:first]; utf8.ValidString(lead) && strings.HasSuffix(x.text[:s.From], lead) {
		s.From, s.Start = s.From-len(lead), s.Start-utf8.RuneCountInString(lead)
	}
	_, size := utf8.DecodeRuneInString(quote[last:])
	if tail := quote[last+size:]; utf8.ValidString(tail) && strings.HasPrefix(x.text[s.To:], tail) {
		s.To, s.End = s.To+len(tail), s.End+utf8.RuneCountInString(tail)
	}
	return s
}

func sameWord(a, b rune) bool {
	return IsWordRune(a) && IsWordRune(b) && !Unspaced(a) && !Unspaced(b)
}

func foldQuote(s string) string {
	var out strings.Builder
	eachFolded(s, place{}, func(_ place, folded []byte) bool { out.Write(folded); return true })
	return out.String()
}

// eachFolded calls f with the letters and digits of s after a position, decomposed, without marks and in lower case,
// until f returns false.
func eachFolded(s string, at place, f func(at place, folded []byte) bool) {
	var buffer [utf8.UTFMax * 8]byte
	for at.bytes < len(s) {
		if skip := markupAt(s[at.bytes:]); skip > 0 {
			at.runes += utf8.RuneCountInString(s[at.bytes : at.bytes+skip])
			at.bytes += skip
			continue
		}
		r, size := utf8.DecodeRuneInString(s[at.bytes:])
		folded := foldRune(buffer[:0], r)
		if len(folded) > 0 && !f(at, folded) {
			return
		}
		at.plain, at.bytes, at.runes = at.plain+len(folded), at.bytes+size, at.runes+1
	}
}

// foldRune appends the letters and digits of a character in folded form.
func foldRune(buffer []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		switch {
		case r >= 'A' && r <= 'Z':
			return append(buffer, byte(r)|0x20)
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return append(buffer, byte(r))
		}
		return buffer
	}
	if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSymbol(r) {
		return buffer
	}
	for _, part := range norm.NFKD.String(string(r)) {
		if unicode.IsLetter(part) || unicode.IsNumber(part) {
			buffer = utf8.AppendRune(buffer, unicode.ToLower(part))
		}
	}
	return buffer
}

// maxMarkup is the maximum length of a tag or an address, in bytes.
const maxMarkup = 500

// markupAt returns the length of the tag, comment or link address that s begins with; 0 for other text.
func markupAt(s string) int {
	closing := byte('>')
	switch {
	case strings.HasPrefix(s, "]("):
		closing = ')'
	case len(s) < 2 || s[0] != '<' || s[1] != '/' && s[1] != '!' && (s[1]|0x20 < 'a' || s[1]|0x20 > 'z'):
		return 0
	}
	end := strings.IndexByte(s[:min(len(s), maxMarkup)], closing)
	if end < 0 || strings.Contains(s[:end], "\n\n") || closing == ')' && strings.Contains(s[:end], " ") && !strings.Contains(s[:end], `"`) {
		return 0
	}
	return end + 1
}
