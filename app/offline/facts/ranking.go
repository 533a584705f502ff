package facts

import (
	"cmp"
	"slices"
	"strings"
)

// worth rates the questions that each kind of fact makes.
var worth = [...]float64{Define: 0.9, Reverse: 0.4, Role: 0.85, Why: 0.95, How: 0.95, Happens: 0.55, Date: 0.6, Year: 0.75, Subject: 0.6, Cloze: 0.35, Listed: 2}

// Worth returns how good the questions of a kind are, about 0 to 1; list entries have 2.
func (k Kind) Worth() float64 { return worth[k] }

// RankFacts returns the indices of facts, the most useful to learn first: from heavy sentences, about
// prominent terms and the requested topics, of the requested difficulty ("" for any).
func (src *Source) RankFacts(facts []Fact, difficulty string) []int {
	order := make([]int, len(facts))
	score := make([]float64, len(facts))
	for i, f := range facts {
		order[i] = i
		s := src.Sentences[f.At]
		if f.Kind == Listed {
			score[i] = worth[Listed] + 1.5*s.Focus // in the order of the list
			continue
		}
		score[i] = worth[f.Kind] + 0.25*src.Rank(f.At) + 1.5*s.Focus + 0.3*src.Prominence(f.Term) - float64(len(f.Question)+len(f.Answer))/1500
		if f.Level() == difficulty {
			score[i] += 0.4
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	return order
}

// BestFacts returns the n best facts to learn, the best first. For a long text, it takes equally many
// from each tenth, as far as there are enough.
func (src *Source) BestFacts(facts []Fact, n int) []Fact {
	var out, rest []Fact
	var taken Tenths
	for _, i := range src.RankFacts(facts, "") {
		f := facts[i]
		if tenth := src.Tenth(f.At); taken[tenth] < (n+len(taken)-1)/len(taken) || !src.IsLong() {
			taken[tenth]++
			out = append(out, f)
		} else {
			rest = append(rest, f)
		}
	}
	return append(out, rest...)[:min(n, len(facts))]
}

// Tenths counts the items that were taken from each tenth of a text.
type Tenths [10]int

// longText is the number of sentences from which aids are spread over the tenths of a text.
const longText = 100

// IsLong reports whether aids should be spread over the tenths of the text.
func (src *Source) IsLong() bool { return len(src.Sentences) >= longText }

// Tenth returns the tenth of the text that sentence i is in, from 0.
func (src *Source) Tenth(i int) int { return len(Tenths{}) * i / max(len(src.Sentences), 1) }

// Prominence returns the position of a term among the key phrases, from 1 (first) down to 0.
func (src *Source) Prominence(term string) float64 {
	for i, p := range src.Phrases() {
		if term != "" && strings.EqualFold(p, term) {
			return 1 - float64(i)/float64(len(src.Phrases()))
		}
	}
	return 0
}
