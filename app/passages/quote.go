package passages

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	markEvery = 256     // how far apart a Finder's places are, in bytes of the folded text
	maxTries  = 1_000   // of a quote that stands within words only
	maxTried  = 1 << 20 // bytes in all these tries
)

// A Finder looks for quotes in one text. It is immutable, and holds one folded copy of the text.
type Finder struct {
	text   string
	folded string
	places []place // one for each markEvery bytes of folded
}

// place is where a character that is not dropped stands.
type place struct{ folded, text, rune int }

// NewFinder reads text once.
func NewFinder(text string) *Finder {
	f := &Finder{text: text}
	var b strings.Builder
	b.Grow(len(text))
	n := 0
	for i, r := range text {
		if b.Len() >= len(f.places)*markEvery {
			f.places = append(f.places, place{b.Len(), i, n})
		}
		b.WriteString(foldQuoted(r))
		n++
	}
	f.folded = b.String()
	return f
}

// Find returns where a quote stands first, in code points. White space, case, the style of
// quotation marks and dashes, Markdown's emphasis and an ellipsis at either end make no
// difference. A quote begins and ends with whole words. ok is false for one that is not
// there, and for one without letters and digits.
func (f *Finder) Find(quote string) (start, end int, ok bool) {
	wanted := foldAll(strings.Trim(strings.TrimFunc(quote, unicode.IsSpace), "….\"“”„«»'‘’"))
	if strings.IndexFunc(wanted, isAlphanumeric) < 0 {
		return 0, 0, false
	}
	from := 0
	for range min(maxTries, 1+maxTried/len(wanted)) {
		i := strings.Index(f.folded[from:], wanted)
		if i < 0 {
			return 0, 0, false
		}
		i += from
		start, end, ok = f.unfold(i, i+len(wanted))
		if ok {
			return start, end, true
		}
		_, size := utf8.DecodeRuneInString(f.folded[i:])
		from = i + size
	}
	return 0, 0, false
}

// unfold returns the code points of the text from which a part of folded was made. ok is false if
// it begins or ends within a word.
func (f *Finder) unfold(from, to int) (start, end int, ok bool) {
	i, found := slices.BinarySearchFunc(f.places, from, func(p place, at int) int { return p.folded - at })
	if !found {
		i--
	}
	p := f.places[i]
	first, last := -1, -1 // bytes
	for at, r := range f.text[p.text:] {
		if p.folded >= to {
			break
		}
		size := len(foldQuoted(r))
		if first < 0 && size > 0 && p.folded >= from {
			if p.folded > from {
				return 0, 0, false // within what one character was folded to
			}
			first, start = p.text+at, p.rune
			if withinWord(f.text, first) {
				return 0, 0, false
			}
		}
		p.folded += size
		p.rune++
		if size > 0 {
			_, n := utf8.DecodeRuneInString(f.text[p.text+at:])
			last, end = p.text+at+n, p.rune
		}
	}
	return start, end, first >= 0 && p.folded == to && !withinWord(f.text, last)
}

// withinWord reports whether at is between two characters of one word. Scripts that are written
// without spaces have no such places.
func withinWord(s string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[at:])
	return at > 0 && at < len(s) && isAlphanumeric(before) && isAlphanumeric(after) && !unspaced(after) && !unspaced(before)
}

func foldAll(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		b.WriteString(foldQuoted(r))
	}
	return b.String()
}

// ascii holds each character as a string of its own, for foldQuoted.
const ascii = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f" +
	" !\"#$%&'()*+,-./0123456789:;<=>?@abcdefghijklmnopqrstuvwxyz[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f"

// foldQuoted returns what a character counts as in a comparison of quotes; "" if it is ignored.
func foldQuoted(r rune) string {
	switch {
	case r == '*' || r == '_' || r == '`' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
		return ""
	case r < utf8.RuneSelf:
		return ascii[r : r+1]
	case strings.ContainsRune("‘’‚‛′ʼ‹›", r):
		return "'"
	case strings.ContainsRune("“”„‟″«»", r):
		return `"`
	case unicode.Is(unicode.Pd, r) || r == '−':
		return "-"
	case r == '…':
		return "..."
	default:
		return string(unicode.ToLower(r))
	}
}
