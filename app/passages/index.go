package passages

import (
	"cmp"
	"slices"
	"strings"
)

// Index finds the passages of one text, in memory. It is immutable.
type Index struct {
	Passages []Passage
	docs     []doc
	language int
}

type doc struct {
	counts Counts
	words  int
}

// NewIndex splits and indexes a text. The index needs about as much memory as the text.
func NewIndex(text string) *Index {
	s := NewStemmer(text)
	x := &Index{Passages: Split(text), language: s.Language()}
	for _, p := range x.Passages {
		terms := s.Terms("", p)
		x.docs = append(x.docs, doc{CountTerms(terms), len(terms)})
	}
	return x
}

// Search returns the indexes in Passages of the passages that contain words of the query, best first. If some passages
// contain all of its phrases, it returns only those.
func (x *Index) Search(q Query) []int {
	begins := x.beginnings(q)
	r := q.Ranker()
	for i, d := range x.docs {
		r.Add(d.counts, d.words, begins[i])
	}
	scores := r.Scores(nil)
	var found []int
	for i, score := range scores {
		if score > 0 {
			found = append(found, i)
		}
	}
	if exact := x.holding(q.Phrases, found); len(exact) > 0 {
		found = exact
	}
	slices.SortStableFunc(found, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	return found
}

// holding returns the passages that contain all phrases; nil if there are no phrases.
func (x *Index) holding(phrases []Phrase, found []int) (kept []int) {
	if len(phrases) == 0 {
		return nil
	}
	s := StemmerOf(x.language)
	for _, i := range found {
		terms := s.Terms("", x.Passages[i])
		if HasAll(phrases, terms) {
			kept = append(kept, i)
		}
	}
	return kept
}

// beginnings returns for each passage a bit mask of the query's words that are a prefix of one of its terms.
func (x *Index) beginnings(q Query) []uint32 {
	begins, s := make([]uint32, len(x.docs)), StemmerOf(x.language)
	if !slices.ContainsFunc(q.Words, func(w Word) bool { return w.Begins != "" }) {
		return begins
	}
	for i := range begins {
		for _, term := range s.Terms("", x.Passages[i]) {
			for w, word := range q.Words {
				if word.Begins != "" && strings.HasPrefix(term, word.Begins) {
					begins[i] |= 1 << w
				}
			}
		}
	}
	return begins
}
