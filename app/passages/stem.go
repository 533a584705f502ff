package passages

import (
	"slices"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"

	"studysharper/app/offline/language"
)

// stemmers are those of the languages, and groups of them, that language.Detect knows.
var stemmers = []struct {
	language string
	stem     func(*snowballstem.Env) bool
}{
	{"English", english.Stem}, {"German", german.Stem}, {"French", french.Stem}, {"Spanish", spanish.Stem}, {"Italian", italian.Stem},
	{"Portuguese", portuguese.Stem}, {"Dutch", dutch.Stem}, {"a language in Cyrillic script", russian.Stem},
}

// A Stemmer turns words into terms: words of one text that differ in their endings only become
// the same. It remembers the words of its text and is for one goroutine.
type Stemmer struct {
	language int // of stemmers, from 1; 0 = one that has none
	env      snowballstem.Env
	terms    map[string]string
}

// maxRemembered bounds the words that a Stemmer remembers.
const maxRemembered = 4096

// NewStemmer makes a Stemmer for the language of a text.
func NewStemmer(text string) *Stemmer {
	name := language.Detect(text).Name
	for i, known := range stemmers {
		if known.language == name {
			return StemmerOf(i + 1)
		}
	}
	return StemmerOf(0)
}

// StemmerOf makes a Stemmer for what Language returned of another one.
func StemmerOf(language int) *Stemmer {
	if language < 0 || language > len(stemmers) {
		language = 0
	}
	return &Stemmer{language: language, terms: make(map[string]string)}
}

// Language is a number to keep: languages are only added at the end.
func (s *Stemmer) Language() int { return s.language }

// Term returns the term of a word in lower case: its stem without diacritics.
func (s *Stemmer) Term(word string) string {
	if term, ok := s.terms[word]; ok {
		return term
	}
	term := Fold(word)
	if s.language > 0 {
		term = Fold(stemWord(&s.env, stemmers[s.language-1].stem, word))
	}
	if len(s.terms) < maxRemembered {
		s.terms[word] = term
	}
	return term
}

// EachTerm calls f with the term of each word of text.
func (s *Stemmer) EachTerm(text string, f func(term string)) {
	EachWord(text, func(w string, _ Kind) { f(s.Term(w)) })
}

// allTerms returns the terms that a word may have, whatever the language of the text that
// holds it, and whether or not it was written with its diacritics.
func allTerms(word string) []string {
	bare := Fold(word)
	terms := []string{bare}
	var env snowballstem.Env
	for _, s := range stemmers {
		for _, w := range []string{word, bare} {
			if term := Fold(stemWord(&env, s.stem, w)); !slices.Contains(terms, term) {
				terms = append(terms, term)
			}
		}
	}
	return terms
}

// stemWord keeps the word where a stemmer would leave nothing, or cannot read it.
func stemWord(env *snowballstem.Env, stem func(*snowballstem.Env) bool, word string) (stemmed string) {
	defer func() {
		if recover() != nil || stemmed == "" {
			stemmed = word
		}
	}()
	env.SetCurrent(word)
	stem(env)
	return env.Current()
}
