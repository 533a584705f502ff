package english

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/offline/lexicon"
	"studysharper/app/text"
)

// Casing records which words a text writes in lower case, so that words can move between the
// beginning and the middle of a sentence. It reads the text at its first use; only one goroutine may use it.
type Casing struct{ words *casedWords }

// casedWords has the stems of the words that sentences write in lower case; lower is nil until the sentences are read.
type casedWords struct {
	sentences []string
	lower     map[string]bool
}

// NewCasing returns the casing of sentences.
func NewCasing(sentences []string) Casing {
	return Casing{&casedWords{sentences: sentences}}
}

// has reports whether the text writes a word in lower case.
func (c Casing) has(word string) bool {
	if c.words.lower == nil {
		c.words.read()
	}
	return c.words.lower[text.Stem(word)]
}

func (c *casedWords) read() {
	c.lower = make(map[string]bool)
	seen := make(map[string]bool)
	for _, s := range c.sentences {
		for w := range strings.FieldsSeq(s) {
			w = strings.TrimFunc(w, func(r rune) bool { return !text.IsWordRune(r) })
			if r, _ := utf8.DecodeRuneInString(w); unicode.IsLower(r) && !seen[w] {
				seen[w], c.lower[text.Stem(w)] = true, true
			}
		}
	}
}

// Lower returns s in the form for the middle of a sentence: with a lower-case first letter, unless the
// first word seems to be a name or an acronym.
func (c Casing) Lower(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if !unicode.IsUpper(r) {
		return s
	}
	word := s[:hyphenatedEnd(s, 0)]
	low := strings.ToLower(word)
	if next, _ := utf8.DecodeRuneInString(strings.TrimLeft(s[len(word):], " ")); unicode.IsUpper(next) && !stopWords.Has(low) {
		return s // New York
	}
	if word == "I" || word[size:] != low[min(size, len(low)):] || !stopWords.Has(low) && !prepositions.Has(low) && !c.has(low) && !isAbstract(low) && !isPlainAdjective(low) {
		return s
	}
	return strings.ToLower(s[:size]) + s[size:]
}

// IsCommon reports whether the text writes a word in lower case too.
func (c Casing) IsCommon(word string) bool { return c.has(strings.ToLower(word)) }

// Capital returns s with a capital first letter.
func Capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// isAbstract reports whether a word has the ending of a common noun.
func isAbstract(low string) bool {
	for _, suffix := range []string{"tion", "sion", "sis", "ment", "ity", "ism", "ness", "ance", "ence", "logy", "ing"} {
		if len(low) > len(suffix)+2 && strings.HasSuffix(low, suffix) {
			return true
		}
	}
	return false
}

// isPlainAdjective reports whether a word is mainly an adjective, not a noun as names are.
func isPlainAdjective(low string) bool {
	e := lexicon.Lookup(low)
	return e.Adjective > 0 && e.Noun < e.Adjective
}

// Finished returns a statement with a capital first letter and a full stop.
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

// Bare returns a statement without its full stop.
func Bare(s string) string { return strings.TrimRight(strings.TrimSpace(s), ".… ") }
