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

// stemmers are the stemmers for the languages, and groups of languages, of language.Detect.
var stemmers = []struct {
	language string
	stem     func(*snowballstem.Env) bool
}{
	{"English", english.Stem}, {"German", german.Stem}, {"French", french.Stem}, {"Spanish", spanish.Stem}, {"Italian", italian.Stem},
	{"Portuguese", portuguese.Stem}, {"Dutch", dutch.Stem}, {"a language in Cyrillic script", russian.Stem},
}

// Stemmer converts words to terms: words of one text that differ only in their endings get the same term. It caches the
// words of its text and must be used by one goroutine only.
type Stemmer struct {
	language int // index in stemmers, from 1; 0 = no stemmer for the language
	env      snowballstem.Env
	terms    map[string]string
}

// maxRemembered limits the words in a Stemmer's cache.
const maxRemembered = 4096

// NewStemmer returns a Stemmer for the language of a text.
func NewStemmer(text string) *Stemmer {
	name := language.Detect(text).Name
	for i, known := range stemmers {
		if known.language == name {
			return StemmerOf(i + 1)
		}
	}
	return StemmerOf(0)
}

// StemmerOf returns a Stemmer for a result of Language.
func StemmerOf(language int) *Stemmer {
	if language < 0 || language > len(stemmers) {
		language = 0
	}
	return &Stemmer{language: language, terms: make(map[string]string)}
}

// Language returns a number that may be stored: languages are only added at the end.
func (s *Stemmer) Language() int { return s.language }

// Term returns the term of a lower-case word: its stem without diacritics.
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

// allTerms returns all terms that a word may have, in any language of the indexed text, and with or without its
// diacritics.
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

// stemWord returns the word unchanged if a stemmer would return "" or panics.
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
