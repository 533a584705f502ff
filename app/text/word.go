// Package text splits text into sentences, sections and words, and measures how many of one text's words another
// contains. The one idea: it counts and matches on the text itself, in one pass and without a model, so that equal
// input always gives equal output, in any script, in time linear in its length.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words returns the content words of s in order, in lower case and not stemmed. It leaves out
// stop words and single letters, splits hyphenated words and keeps numbers whole ("3.14").
// Scripts without spaces (Chinese, Japanese, Thai, …) give overlapping pairs of characters.
func Words(s string) []string {
	var out []string
	EachWord(s, func(w string) {
		if IsContent(w) {
			out = append(out, w)
		}
	})
	return out
}

// Stem returns the light stem of a lower-case word, the same for its usual English inflections (wave, waves; measure,
// measured, measuring; spectrum, spectra). It is for comparison, not for display. A word with letters outside a–z is
// its own stem.
func Stem(word string) string {
	word = strings.TrimSuffix(strings.TrimSuffix(word, "'s"), "’s")
	if s, ok := irregularStems.Base(word); ok {
		return s
	}
	if base, ok := pastForms.Base(word); ok {
		word = base
	}
	if len(word) < 4 || !isLowerASCII(word) {
		return word
	}
	stem := strings.TrimSuffix(trimSuffixes(trimPlural(word)), "e")
	if strings.HasSuffix(stem, "i") && strings.HasSuffix(word, "ied") {
		return stem[:len(stem)-1] + "y" // carried
	}
	return stem
}

// Bag is the set of stemmed content words of a text, for measuring repeatedly how much of a claim the text contains. It
// is immutable and safe for concurrent use.
type Bag struct{ stems map[string]bool }

// NewBag returns the Bag of a text.
func NewBag(source string) Bag {
	b := Bag{stems: make(map[string]bool)}
	EachWord(source, func(w string) {
		if IsContent(w) {
			b.stems[Stem(w)] = true
		}
	})
	return b
}

// Overlap returns the Overlap of claim with the text of the bag.
func (b Bag) Overlap(claim string) float64 {
	words, found := 0, 0
	EachWord(claim, func(w string) {
		if !IsContent(w) {
			return
		}
		if words++; b.stems[Stem(w)] {
			found++
		}
	})
	if words == 0 {
		return 1
	}
	return float64(found) / float64(words)
}

// Overlap returns the share, from 0 to 1, of claim's content words that occur in source in any inflection. It returns 1
// for a claim without content words. To check many claims against one long source, use a Bag.
func Overlap(claim, source string) float64 { return NewBag(source).Overlap(claim) }

// IsContent reports whether a lower-case word has a meaning of its own.
func IsContent(w string) bool {
	if stopWords.Has(w) {
		return false
	}
	if w[0] < utf8.RuneSelf {
		return len(w) > 1 || w[0] >= '0' && w[0] <= '9'
	}
	return true
}

// EachWord calls f with every word of s, in lower case. It skips a word on which f panics.
func EachWord(s string, f func(string)) {
	for i := 0; i < len(s); {
		start := i
		Guard(func() {
			for i < len(s) {
				start = i
				readWord(s, &i, f)
			}
		})
		if i == start {
			i++
		}
	}
}

// readWord advances i past the word or other character that starts there, and calls f with the word.
func readWord(s string, i *int, f func(string)) {
	r, size := utf8.DecodeRuneInString(s[*i:])
	switch start := *i; {
	case Unspaced(r):
		*i = eachPair(s, start, f)
	case IsWordRune(r):
		*i = WordEnd(s, start)
		f(strings.ToLower(s[start:*i]))
	default:
		*i += size
	}
}

// WordEnd returns the end of the word that starts at i. Apostrophes are part of a word, points
// and commas part of a number.
func WordEnd(s string, i int) int {
	var last rune
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !IsWordRune(r) || Unspaced(r) {
			next, _ := utf8.DecodeRuneInString(s[i+size:])
			inside := isApostrophe(r) && unicode.IsLetter(last) && unicode.IsLetter(next) ||
				(r == '.' || r == ',') && IsDigit(last) && IsDigit(next)
			if !inside {
				return i
			}
		}
		last = r
		i += size
	}
	return i
}

// eachPair calls f with the overlapping character pairs of the run that starts at i, or with
// its only character, and returns the end of the run.
func eachPair(s string, i int, f func(string)) int {
	_, size := utf8.DecodeRuneInString(s[i:])
	end, pairs := i+size, 0
	for end < len(s) {
		r, next := utf8.DecodeRuneInString(s[end:])
		if !Unspaced(r) {
			break
		}
		f(s[i : end+next])
		i, end = end, end+next
		pairs++
	}
	if pairs == 0 {
		f(s[i:end])
	}
	return end
}

// IsWordRune reports whether a word can contain r.
func IsWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || IsDigit(r)
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r))
}

// Unspaced reports whether the script of r is written without spaces.
func Unspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' }

// IsDigit reports whether r is an ASCII digit.
func IsDigit(r rune) bool { return '0' <= r && r <= '9' }

func isLowerASCII(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// trimPlural removes the s of a plural or of the third person.
func trimPlural(w string) string {
	switch {
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "ss"), strings.HasSuffix(w, "us"), strings.HasSuffix(w, "is"):
		return w
	default:
		return strings.TrimSuffix(w, "s")
	}
}

// trimSuffixes removes -ly, -ing and -ed if a stem with a vowel remains.
func trimSuffixes(w string) string {
	w = trimTo(w, "ly", 4)
	for _, suffix := range []string{"ing", "ed"} {
		short := trimTo(w, suffix, 3)
		if short == w {
			continue
		}
		if n := len(short); short[n-1] == short[n-2] && !strings.ContainsRune("lszaeo", rune(short[n-1])) {
			short = short[:n-1]
		}
		return short
	}
	return w
}

// trimTo removes suffix if at least least letters, one of them a vowel, remain.
func trimTo(w, suffix string, least int) string {
	short := strings.TrimSuffix(w, suffix)
	if len(short) < least || !strings.ContainsAny(short, "aeiouy") {
		return w
	}
	return short
}
