package store

import (
	"iter"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	maxSearchWords  = 32
	maxWordRunes    = 64
	minPrefixBytes  = 3 // shorter beginnings match half the index; one Han character is long enough
	maxSearchedText = 64 << 10
)

// wordsOf parts text into words, of a note and of a search alike: whatever is no
// letter, mark or digit is dropped, and so is what is left of none. A word is folded, and
// cut to maxWordRunes. It cannot be syntax of any query language.
func wordsOf(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for w := range strings.FieldsFuncSeq(fold(text), partsWords) {
			if !strings.ContainsFunc(w, isAlphanumeric) {
				continue // accents without a letter
			}
			if !yield(firstRunes(w, maxWordRunes)) {
				return
			}
		}
	}
}

// searchWords are the words that a search looks for.
func searchWords(text string) (words []string) {
	for w := range wordsOf(mend(text, maxSearchedText)) {
		if words = append(words, w); len(words) == maxSearchWords {
			break
		}
	}
	return words
}

func partsWords(r rune) bool { return !isAlphanumeric(r) && !unicode.IsMark(r) }

func isAlphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// fold makes text alike that differs in case or diacritics only.
func fold(text string) string {
	text = strings.ToLower(strings.ToUpper(text)) // both: some letters have two small forms
	if norm.NFD.IsNormalString(text) && norm.NFC.IsNormalString(text) && !strings.ContainsFunc(text, isDiacritic) {
		return text
	}
	bare := strings.Map(func(r rune) rune {
		if isDiacritic(r) {
			return -1
		}
		return r
	}, norm.NFD.String(text))
	return norm.NFC.String(bare)
}

func isDiacritic(r rune) bool { return unicode.Is(diacritics, r) }

// diacritics are the marks that letters of alphabets bear. The marks of other scripts
// make other words.
var diacritics = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036f, Stride: 1}, {Lo: 0x1ab0, Hi: 0x1aff, Stride: 1}, {Lo: 0x1dc0, Hi: 0x1dff, Stride: 1},
	{Lo: 0x20d0, Hi: 0x20ff, Stride: 1}, {Lo: 0xfe20, Hi: 0xfe2f, Stride: 1},
}}
