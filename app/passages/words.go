package passages

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"studysharper/app/text"
)

// maxWordRunes is the length to which a longer word is cut.
const maxWordRunes = 64

// A Kind is how a word is in its text.
type Kind uint8

// The kinds. A script without spaces is read as pairs of neighbours; the last character of
// such a run is a word too, so that each is the first of one.
const (
	Spaced Kind = iota
	Pair
	Tail   // the last character, after pairs
	Single // a run of one character
)

// EachWord calls f with each word of s, in lower case and in the compatibility form of Unicode,
// which knows no ligatures and no full-width letters. Words are those of UAX #29, with the
// differences that a search needs: an apostrophe parts them (l'eau), and so does a point
// between letters (end.Begin); a point or comma between digits does not; a script without
// spaces has no dictionary. Page marks have no words.
func EachWord(s string, f func(word string, kind Kind)) {
	if !norm.NFKC.IsNormalString(s) {
		s = norm.NFKC.String(s)
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case unspaced(r):
			i = eachPair(s, i, f)
		case isAlphanumeric(r):
			end := wordEnd(s, i)
			f(text.ClipRunes(strings.ToLower(dropFormat(s[i:end])), maxWordRunes), Spaced)
			i = end
		case r == '<' && strings.HasPrefix(s[i:], "<!--"):
			if line, _ := cutLine(s[i:]); pageOf(line) > 0 {
				size = len(line)
			}
			i += size
		default:
			i += size
		}
	}
}

// wordEnd returns the end of the word that starts at i.
func wordEnd(s string, i int) int {
	var last rune
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !inWord(r) || unspaced(r) {
			next, _ := utf8.DecodeRuneInString(s[i+size:])
			if r != '.' && r != ',' || !unicode.IsDigit(last) || !unicode.IsDigit(next) {
				return i
			}
		}
		last = r
		i += size
	}
	return i
}

// eachPair calls f with the words of the run that starts at i, and returns its end.
func eachPair(s string, i int, f func(word string, kind Kind)) int {
	_, size := utf8.DecodeRuneInString(s[i:])
	end, kind := i+size, Single
	for end < len(s) {
		r, next := utf8.DecodeRuneInString(s[end:])
		if !unspaced(r) && !unicode.IsMark(r) {
			break
		}
		f(s[i:end+next], Pair)
		i, end, kind = end, end+next, Tail
	}
	f(s[i:end], kind)
	return end
}

func inWord(r rune) bool {
	return isAlphanumeric(r) || unicode.IsMark(r) || unicode.Is(unicode.Cf, r)
}

func isAlphanumeric(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// unspaced is text.Unspaced and the marks of Katakana that Unicode counts for no script.
func unspaced(r rune) bool { return r == 'ー' || text.Unspaced(r) }

// dropFormat removes characters that are not seen, such as soft hyphens.
func dropFormat(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Cf, r) {
					return -1
				}
				return r
			}, s)
		}
	}
	return s
}

// letters are written in two ways, the second without a letter that keyboards lack.
var letters = strings.NewReplacer("ß", "ss", "œ", "oe", "æ", "ae", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ς", "σ")

// Fold makes words equal that differ only in the diacritics of an alphabet, or in letters that keyboards lack (ß, ss). The
// word is in lower case.
func Fold(word string) string {
	for i := range len(word) {
		if word[i] >= utf8.RuneSelf {
			return foldLetters(word)
		}
	}
	return word
}

func foldLetters(word string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(diacritics, r) {
			return -1
		}
		return r
	}, norm.NFD.String(letters.Replace(word)))
	return norm.NFC.String(bare)
}

// diacritics are the marks that letters of alphabets bear. The marks of other scripts make
// other words.
var diacritics = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036f, Stride: 1}, {Lo: 0x1ab0, Hi: 0x1aff, Stride: 1}, {Lo: 0x1dc0, Hi: 0x1dff, Stride: 1},
	{Lo: 0x20d0, Hi: 0x20ff, Stride: 1}, {Lo: 0xfe20, Hi: 0xfe2f, Stride: 1},
}}
