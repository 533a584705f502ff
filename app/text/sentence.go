package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentences returns the sentences of s in order, with white space collapsed and list marks
// removed. A heading, a list item and a "Term: meaning" line each start a new sentence; lines
// of a wrapped paragraph are joined. Abbreviations, decimals, initials and brackets do not end
// a sentence. The result is valid UTF-8 whatever s is.
func Sentences(s string) []string {
	var out []string
	for _, b := range blocksOf(s) {
		if b.kind == heading {
			out = append(out, b.text)
			continue
		}
		out = splitSentences(out, b.text)
	}
	return out
}

// SentencesOf returns the sentences of one paragraph of a Section.
func SentencesOf(paragraph string) []string { return splitSentences(nil, paragraph) }

// splitSentences appends the sentences of one paragraph to out, or nothing if it panics.
func splitSentences(out []string, p string) []string {
	Guard(func() { out = cutSentences(out, p) })
	return out
}

func cutSentences(out []string, p string) []string {
	start, open := 0, -1 // open: where the bracket we are in began
	for i := 0; i < len(p); {
		r, size := utf8.DecodeRuneInString(p[i:])
		i += size
		switch {
		case r == '(' || r == '[':
			open = i
		case r == ')' || r == ']':
			open = -1
		case EndsSentence(r) && (open < 0 || !closesSoon(p, open, i)):
			end := skipClosers(p, i)
			if r == '.' && end == i && !breaksAt(p, start, i) || !newSentence(p, r, end) {
				continue
			}
			out = appendTrimmed(out, p[start:end])
			start, i, open = end, end, -1
		}
	}
	return appendTrimmed(out, p[start:])
}

func appendTrimmed(out []string, s string) []string {
	if s = strings.TrimSpace(s); s == "" {
		return out
	}
	return append(out, s)
}

// EndsSentence reports whether a character ends a sentence, in any script.
func EndsSentence(r rune) bool {
	switch r {
	case '.', '!', '?', '…', '。', '！', '？', '؟', '۔', '।', '॥', '።':
		return true
	}
	return false
}

// bracketReach is the maximum distance between a bracket and its closing one, in bytes.
const bracketReach = 300

// closesSoon reports whether the bracket opened at open is closed after i and within bracketReach.
func closesSoon(p string, open, i int) bool {
	limit := min(open+bracketReach, len(p))
	return i < limit && strings.ContainsAny(p[i:limit], ")]")
}

// skipClosers returns the index after the punctuation, quotes and brackets that belong to the
// sentence end before i.
func skipClosers(p string, i int) int {
	for i < len(p) {
		r, size := utf8.DecodeRuneInString(p[i:])
		if !EndsSentence(r) && !strings.ContainsRune(`"'”’»)]」』`, r) {
			break
		}
		i += size
	}
	return i
}

// newSentence reports whether the text after end can begin a sentence after r.
func newSentence(p string, r rune, end int) bool {
	if end == len(p) || r > '…' {
		return true
	}
	next, size := utf8.DecodeRuneInString(p[end:])
	if !unicode.IsSpace(next) {
		return Unspaced(next)
	}
	for end += size; end < len(p); end += size {
		next, size = utf8.DecodeRuneInString(p[end:])
		if IsWordRune(next) {
			return !unicode.IsLower(next)
		}
		if unicode.IsSpace(next) || !strings.ContainsRune(`"'“‘«([„¿¡`, next) {
			return true
		}
	}
	return true
}

// breaksAt reports whether the full stop before i ends the sentence that began at start, and does not belong to an
// abbreviation or an initial.
func breaksAt(p string, start, i int) bool {
	word, next := lastWord(p[start:i-1]), FirstWord(p[i:])
	lower := strings.ToLower(word)
	switch {
	case abbreviations.Has(lower), len(word) <= 7 && isInitials(word):
		return false
	case len(word) == 1 && word == lower && len(next) == 2 && next[1] == '.' && !IsDigit(rune(word[0])):
		return false // z. B.
	case numberAbbreviations.Has(lower):
		return next == "" || !IsDigit(rune(next[0]))
	case len(word) == 1 && word[0] >= 'A' && word[0] <= 'Z' && word != "I":
		before := strings.TrimSuffix(lastWord(strings.TrimRight(p[start:i-2], " ")), ".")
		r, _ := utf8.DecodeRuneInString(before)
		if len(next) == 2 && next[1] == '.' { // J. S. Bach
			return false
		}
		return before != "" && !unicode.IsUpper(r) || stopWords.Has(strings.ToLower(next))
	default:
		return true
	}
}

// lastWord returns the text after the last space, bracket or quote of s; it looks back at most the length of the
// longest word.
func lastWord(s string) string {
	s = s[max(0, len(s)-40):]
	return s[strings.LastIndexAny(s, " (\"“”‘’[")+1:]
}

// FirstWord returns the first space-separated word of s.
func FirstWord(s string) string {
	s = strings.TrimLeft(s[:min(len(s), 40)], " ")
	word, _, _ := strings.Cut(s, " ")
	return word
}

// isInitials reports whether word is like "U.S" or "e.g".
func isInitials(word string) bool {
	if !strings.Contains(word, ".") {
		return false
	}
	for part := range strings.SplitSeq(word, ".") {
		if len(part) != 1 {
			return false
		}
	}
	return true
}

// ClipRunes returns at most the first n runes of s; n is 0 or more.
func ClipRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// Clip returns at most the first n bytes of s, cut at a space if there is one and never inside
// a character.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	if cut := strings.LastIndexByte(s[:n], ' '); cut > 0 {
		n = cut
	}
	return s[:n]
}
