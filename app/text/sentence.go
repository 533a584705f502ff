package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentences gives the sentences of s in their order, white space collapsed and list
// marks taken off. A heading, a list item and a "Term: meaning" line each start a
// sentence of their own; lines of a wrapped paragraph are joined. Abbreviations,
// decimals, initials and brackets do not end a sentence. The result is valid UTF-8
// whatever s is.
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

// SentencesOf gives the sentences of one paragraph as Sections gives them.
func SentencesOf(paragraph string) []string { return splitSentences(nil, paragraph) }

// splitSentences appends the sentences of one paragraph to out; none of a paragraph at
// which it panics.
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
		case endsSentence(r) && (open < 0 || !closesSoon(p, open, i)):
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

func endsSentence(r rune) bool {
	switch r {
	case '.', '!', '?', '…', '。', '！', '？', '؟', '۔', '।', '॥', '።':
		return true
	}
	return false
}

// bracketReach is how many bytes an unclosed bracket is believed.
const bracketReach = 300

// closesSoon reports whether the bracket opened at open is closed within reach of
// it and after i.
func closesSoon(p string, open, i int) bool {
	limit := min(open+bracketReach, len(p))
	return i < limit && strings.ContainsAny(p[i:limit], ")]")
}

// skipClosers is the place behind the marks, quotes and brackets that belong to
// the sentence end before i.
func skipClosers(p string, i int) int {
	for i < len(p) {
		r, size := utf8.DecodeRuneInString(p[i:])
		if !endsSentence(r) && !strings.ContainsRune(`"'”’»)]」』`, r) {
			break
		}
		i += size
	}
	return i
}

// newSentence reports whether what follows end can begin a sentence after r.
func newSentence(p string, r rune, end int) bool {
	if end == len(p) || r > '…' {
		return true
	}
	next, size := utf8.DecodeRuneInString(p[end:])
	if !unicode.IsSpace(next) {
		return unspaced(next)
	}
	for end += size; end < len(p); end += size {
		next, size = utf8.DecodeRuneInString(p[end:])
		if isWordRune(next) {
			return !unicode.IsLower(next)
		}
		if unicode.IsSpace(next) || !strings.ContainsRune(`"'“‘«([„¿¡`, next) {
			return true
		}
	}
	return true
}

// breaksAt reports whether the point before i ends a sentence that began at
// start, rather than an abbreviation or an initial.
func breaksAt(p string, start, i int) bool {
	word, next := lastWord(p[start:i-1]), firstWord(p[i:])
	lower := strings.ToLower(word)
	switch {
	case abbreviations.has(lower), len(word) <= 7 && isInitials(word):
		return false
	case numberAbbreviations.has(lower):
		return next == "" || !isDigit(rune(next[0]))
	case len(word) == 1 && word[0] >= 'A' && word[0] <= 'Z' && word != "I":
		before := strings.TrimSuffix(lastWord(strings.TrimRight(p[start:i-2], " ")), ".")
		r, _ := utf8.DecodeRuneInString(before)
		if len(next) == 2 && next[1] == '.' { // J. S. Bach
			return false
		}
		return before != "" && !unicode.IsUpper(r) || stopWords.has(strings.ToLower(next))
	default:
		return true
	}
}

// lastWord is what follows the last blank, bracket or quote of s, looking back no
// further than a word may be long.
func lastWord(s string) string {
	s = s[max(0, len(s)-40):]
	return s[strings.LastIndexAny(s, " (\"“”‘’[")+1:]
}

// firstWord is the first blank-separated word of s.
func firstWord(s string) string {
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

// Casing knows which words a text writes in lower case, to begin a sentence with
// a word from the middle of one, and the other way round. It is immutable.
type Casing struct{ lower map[string]bool }

// NewCasing learns from sentences.
func NewCasing(sentences []string) Casing {
	c := Casing{lower: make(map[string]bool)}
	for _, s := range sentences {
		for w := range strings.FieldsSeq(s) {
			w = strings.TrimFunc(w, func(r rune) bool { return !isWordRune(r) })
			if r, _ := utf8.DecodeRuneInString(w); unicode.IsLower(r) {
				c.lower[Stem(w)] = true
			}
		}
	}
	return c
}

// Lower gives s as it reads in the middle of a sentence: its first letter small,
// unless the first word is a name or an acronym as far as the text shows.
func (c Casing) Lower(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if !unicode.IsUpper(r) {
		return s
	}
	word := s[:hyphenatedEnd(s, 0)]
	low := strings.ToLower(word)
	if word == "I" || word[size:] != low[min(size, len(low)):] || !stopWords.has(low) && !c.lower[Stem(low)] && !abstract(low) {
		return s
	}
	return strings.ToLower(s[:size]) + s[size:]
}

// Capital gives s with its first letter large.
func Capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// abstract reports whether a word's ending makes it a common noun.
func abstract(low string) bool {
	for _, suffix := range []string{"tion", "sion", "sis", "ment", "ity", "ism", "ness", "ance", "ence", "logy", "ing"} {
		if len(low) > len(suffix)+2 && strings.HasSuffix(low, suffix) {
			return true
		}
	}
	return false
}

// A token is a word, hyphens inside, or one other character of a sentence.
type token struct {
	s, low     string
	start, end int // bytes in the sentence
	word       bool
}

// maxTokens bounds the sentences that are taken apart; a longer one is a list or
// no sentence at all.
const maxTokens = 90

// tokens takes s apart; nil when it is longer than maxTokens.
func tokens(s string) []token {
	var out []token
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		end := i + size
		word := isWordRune(r)
		if word {
			end = hyphenatedEnd(s, i)
		}
		if !unicode.IsSpace(r) {
			if len(out) == maxTokens {
				return nil
			}
			out = append(out, token{s[i:end], strings.ToLower(s[i:end]), i, end, word})
		}
		i = end
	}
	return out
}

// hyphenatedEnd is wordEnd, across hyphens.
func hyphenatedEnd(s string, i int) int {
	_, size := utf8.DecodeRuneInString(s[i:])
	end := max(wordEnd(s, i), i+size)
	for end+1 < len(s) && s[end] == '-' {
		r, size := utf8.DecodeRuneInString(s[end+1:])
		if !isWordRune(r) {
			break
		}
		end = max(wordEnd(s, end+1), end+1+size)
	}
	return end
}

// span is the text of tokens i to j (exclusive) of s.
func span(s string, toks []token, i, j int) string {
	if i >= j {
		return ""
	}
	return s[toks[i].start:toks[j-1].end]
}

// Finished ends a statement with a point and begins it with a capital.
func Finished(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), ",;: ")
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "。") {
		return Capital(s)
	}
	if strings.HasSuffix(s, `."`) || strings.HasSuffix(s, ".”") {
		return Capital(s)
	}
	return Capital(s) + "."
}

// Clip gives the first n bytes of s at most, cut at a blank where there is one and
// never inside a character.
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

// Bare is a statement without its final point.
func Bare(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".… ") }
