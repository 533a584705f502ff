package passages

import (
	"slices"
	"strings"
	"unicode/utf8"

	"studysharper/app/offline/language"
	"studysharper/app/text"
)

// Limits of a query.
const (
	maxQueryBytes = 64 << 10
	maxQueryWords = 32
)

// Query is a parsed search query.
type Query struct {
	Words   []Word
	Phrases []Phrase // between quotation marks; their words are in Words too
}

// Word is a word of a query with all terms under which it may be indexed.
type Word struct {
	Text     string
	Terms    []string
	Begins   string // terms with this prefix match too; "" = none
	Frequent bool   // has no meaning of its own, like "the"
}

// Phrase is a sequence of adjacent words, each with its terms.
type Phrase [][]string

// ParseQuery parses a query: words, and phrases between quotation marks.
func ParseQuery(s string) Query {
	var q Query
	s = strings.ToValidUTF8(text.Clip(s, maxQueryBytes), " ")
	quoted := false
	for {
		i := strings.IndexAny(s, quotationMarks)
		if i < 0 {
			q.add(s, false) // a mark without a closing one is ignored
			return q
		}
		q.add(s[:i], quoted)
		_, size := utf8.DecodeRuneInString(s[i:])
		s, quoted = s[i+size:], !quoted
	}
}

const quotationMarks = `"“”„«»`

// add adds the words of a part of a query, without repeats.
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

// isFrequent reports whether a word is one of the most frequent words of any language.
func isFrequent(word string) bool { return !text.IsContent(word) || language.IsFrequent(word) }

// Content returns the query without frequent words, if it has others.
func (q Query) Content() Query {
	words := slices.DeleteFunc(slices.Clone(q.Words), func(w Word) bool { return w.Frequent })
	if len(words) > 0 {
		q.Words = words
	}
	return q
}

// CompleteLast makes the last word also match words that begin with it, for a user who is still typing.
func (q Query) CompleteLast() Query {
	if n := len(q.Words) - 1; n >= 0 && len(q.Words[n].Text) >= minPrefixBytes {
		q.Words = slices.Clone(q.Words)
		q.Words[n].Begins = Fold(q.Words[n].Text)
	}
	return q
}

// Loosen makes each word also match words that share its first two thirds: words of one family, and words with a typing
// error near their end.
func (q Query) Loosen() Query {
	q.Words = slices.Clone(q.Words)
	for i, w := range q.Words {
		if n := utf8.RuneCountInString(w.Text); n >= 6 {
			q.Words[i].Begins = Fold(text.ClipRunes(w.Text, max(4, n*2/3)))
		}
	}
	return q
}

const minPrefixBytes = 3 // shorter prefixes match half of an index; one Han character is long enough
