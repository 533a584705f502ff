package passages

import (
	"slices"
	"strings"
	"unicode/utf8"

	"studysharper/app/offline/language"
	"studysharper/app/text"
)

// Bounds of a query.
const (
	maxQueryBytes = 64 << 10
	maxQueryWords = 32
)

// A Query is what is looked for.
type Query struct {
	Words   []Word
	Phrases []Phrase // between quotation marks; their words are in Words too
}

// A Word of a query stands for every term that it may have been indexed under.
type Word struct {
	Text     string
	Terms    []string
	Begins   string // terms that begin so are meant too; "" = none
	Frequent bool   // says nothing by itself, as "the" does
}

// A Phrase is words next to each other, each as its terms.
type Phrase [][]string

// ParseQuery reads a query: words, and phrases between quotation marks.
func ParseQuery(s string) Query {
	var q Query
	s = strings.ToValidUTF8(text.Clip(s, maxQueryBytes), " ")
	quoted := false
	for {
		i := strings.IndexAny(s, quotationMarks)
		if i < 0 {
			q.add(s, false) // a mark that is not closed opens nothing
			return q
		}
		q.add(s[:i], quoted)
		_, size := utf8.DecodeRuneInString(s[i:])
		s, quoted = s[i+size:], !quoted
	}
}

const quotationMarks = `"“”„«»`

// add adds the words of a part of a query, once each.
func (q *Query) add(part string, quoted bool) {
	var phrase Phrase
	EachWord(part, func(word string, kind Kind) {
		if kind == Tail {
			return
		}
		i := slices.IndexFunc(q.Words, func(known Word) bool { return known.Text == word })
		if i < 0 {
			if i = len(q.Words); i == maxQueryWords {
				return
			}
			w := Word{Text: word, Terms: allTerms(word), Frequent: kind == Spaced && isFrequent(word)}
			if kind == Single {
				w.Begins = word
			}
			q.Words = append(q.Words, w)
		}
		phrase = append(phrase, q.Words[i].Terms)
	})
	if quoted && len(phrase) > 1 && len(phrase) <= maxQueryWords {
		q.Phrases = append(q.Phrases, phrase)
	}
}

// isFrequent reports whether a word is one of the most frequent of any language.
func isFrequent(word string) bool { return !text.IsContent(word) || language.IsFrequent(word) }

// Content returns the query without the words that say nothing by themselves, if there are others.
func (q Query) Content() Query {
	words := slices.DeleteFunc(slices.Clone(q.Words), func(w Word) bool { return w.Frequent })
	if len(words) > 0 {
		q.Words = words
	}
	return q
}

// CompleteLast lets the last word stand for the words that begin with it, as of one who is still typing.
func (q Query) CompleteLast() Query {
	if n := len(q.Words) - 1; n >= 0 && len(q.Words[n].Text) >= minPrefixBytes {
		q.Words = slices.Clone(q.Words)
		q.Words[n].Begins = Fold(q.Words[n].Text)
	}
	return q
}

// Loosen lets the first two thirds of each word stand for it: words of one family, and words with a slip near their end.
func (q Query) Loosen() Query {
	q.Words = slices.Clone(q.Words)
	for i, w := range q.Words {
		if n := utf8.RuneCountInString(w.Text); n >= 6 {
			q.Words[i].Begins = Fold(text.ClipRunes(w.Text, max(4, n*2/3)))
		}
	}
	return q
}

const minPrefixBytes = 3 // shorter beginnings match half of an index; one Han character is long enough
