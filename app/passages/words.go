package passages

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"studysharper/app/text"
)

// maxWordRunes is the length to which longer words are cut.
const maxWordRunes = 64

// Kind is the kind of a word in its text.
type Kind uint8

// The kinds. In a script without spaces, the words are pairs of adjacent characters; the last character of a run is
// also a word, so that every character begins one.
const (
	Spaced Kind = iota
	Pair
	Tail   // the last character, after pairs
	Single // a run of one character
)

// EachWord calls f with each word of s, in lower case and in Unicode's compatibility form (NFKC), which has no
// ligatures and no full-width letters. Words are those of UAX #29, with the differences that a search needs: an
// apostrophe separates words (l'eau), and so does a point between letters (end.Begin); a point or comma between digits
// does not; scripts without spaces are split without a dictionary. Page marks contain no words.
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

// unspaced extends text.Unspaced by the Katakana marks that Unicode assigns to no script.
func unspaced(r rune) bool { return r == 'ー' || text.Unspaced(r) }

// dropFormat removes invisible characters, such as soft hyphens.
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

// letters replaces letters that many keyboards lack by their usual substitutes.
var letters = strings.NewReplacer("ß", "ss", "œ", "oe", "æ", "ae", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ς", "σ")

// Fold returns the same text for words that differ only in the diacritics of an alphabet, or in letters that keyboards
// lack (ß, ss). The word must be in lower case.
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

// diacritics are the marks on letters of alphabets. In other scripts, a mark makes a different word.
var diacritics = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036f, Stride: 1}, {Lo: 0x1ab0, Hi: 0x1aff, Stride: 1}, {Lo: 0x1dc0, Hi: 0x1dff, Stride: 1},
	{Lo: 0x20d0, Hi: 0x20ff, Stride: 1}, {Lo: 0xfe20, Hi: 0xfe2f, Stride: 1},
}}
