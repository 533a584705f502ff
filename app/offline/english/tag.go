package english

import (
	"studysharper/app/offline/lexicon"
)

// A tag is the part of speech of a token in its sentence.
type tag byte

// The tags, in the order of the rows of follows.
const (
	determiner tag = iota // also possessives
	pronoun
	noun
	adjective
	adverb
	finite   // a lexical verb with a tense
	baseVerb // after to, do or a modal
	gerund
	participle
	auxiliary // finite: be, have, do, modals
	preposition
	toTag
	subordinator // also relative and question words
	coordinator
	number
	mark // comma, bracket, dash, quote
	stop // the end of a sentence or clause
	tagCount
)

// follows[a][b] is the cost of tag b after tag a: ten times the negative decadic logarithm of its
// probability, counted on 75,000 words of tagged English.
var follows = [tagCount][tagCount]int32{
	{21, 31, 1, 8, 22, 23, 23, 22, 26, 25, 22, 30, 30, 34, 22, 33, 25},
	{18, 33, 15, 20, 15, 3, 14, 23, 19, 6, 13, 17, 21, 25, 29, 25, 12},
	{15, 21, 10, 21, 17, 9, 23, 24, 19, 11, 8, 16, 18, 17, 26, 15, 5},
	{19, 24, 1, 13, 21, 18, 24, 26, 25, 20, 13, 18, 24, 20, 24, 20, 12},
	{13, 20, 15, 10, 13, 9, 8, 17, 12, 19, 10, 17, 17, 23, 21, 16, 7},
	{4, 11, 12, 14, 13, 24, 21, 20, 23, 25, 6, 11, 15, 21, 21, 21, 15},
	{4, 12, 12, 14, 14, 21, 25, 22, 13, 22, 9, 15, 15, 21, 22, 23, 12},
	{7, 12, 8, 14, 13, 20, 26, 27, 19, 23, 6, 13, 17, 20, 22, 26, 10},
	{10, 19, 13, 17, 15, 27, 37, 18, 17, 29, 4, 11, 17, 17, 24, 19, 7},
	{12, 14, 17, 14, 7, 16, 8, 9, 6, 24, 20, 14, 34, 30, 23, 27, 25},
	{3, 15, 7, 13, 19, 31, 29, 15, 31, 35, 14, 20, 19, 24, 17, 23, 17},
	{6, 17, 10, 17, 23, 18, 2, 20, 29, 25, 29, 38, 22, 38, 20, 26, 29},
	{8, 4, 10, 14, 19, 12, 23, 16, 21, 9, 18, 17, 27, 30, 21, 27, 36},
	{9, 11, 5, 11, 13, 9, 12, 17, 15, 12, 18, 22, 20, 26, 20, 28, 28},
	{12, 27, 3, 13, 23, 21, 25, 25, 27, 18, 11, 19, 22, 20, 10, 11, 10},
	{8, 10, 7, 13, 14, 15, 20, 15, 25, 17, 14, 29, 12, 10, 10, 13, 17},
	{4, 6, 9, 19, 23, 25, 11, 25, 31, 17, 17, 31, 17, 26, 27, 34, 13},
}

// An option is a possible tag of a token, with its cost.
type option struct {
	tag  tag
	cost int32
}

// tagSteps is the total number of readings in most sentences; longer ones need an allocation.
const tagSteps = 200

// tagTokens sets the tags of a sentence's tokens to the cheapest sequence (Viterbi).
func tagTokens(toks []token) {
	type step struct {
		option
		total, from int32
	}
	var buffer [maxReadings]option
	var room [tagSteps]step
	var starts [maxTokens]int
	steps := append(room[:0], step{option: option{tag: stop}})
	before := steps // of the token before
	for i := range toks {
		starts[i] = len(steps)
		for _, c := range readingsOf(toks, i, buffer[:0]) {
			best := step{option: c, total: 1 << 30}
			for k, b := range before {
				from := b.tag
				if i > 0 && from == noun && isPossessive(toks[i-1].low) {
					from = determiner
				}
				if total := b.total + follows[from][c.tag] + c.cost + disagreement(toks, i, from, c.tag); total < best.total {
					best.total, best.from = total, int32(k) //nolint:gosec // below maxReadings
				}
			}
			steps = append(steps, best)
		}
		before = steps[starts[i]:]
	}
	at := 0
	for k, s := range before {
		if s.total < before[at].total {
			at = k
		}
	}
	for i := len(toks) - 1; i >= 0; i-- {
		s := steps[starts[i]+at]
		toks[i].tag, at = s.tag, int(s.from)
	}
	for i := range toks {
		if isReduced(toks, i) {
			toks[i].tag = participle
		}
		if endsRelative(toks, i) {
			toks[i].tag = finite
		}
	}
}

// endsRelative reports whether a noun at the end of a relative clause is its verb: "a cache that all
// servers share".
func endsRelative(toks []token, i int) bool {
	atEnd := i+1 == len(toks) || toks[i+1].tag == stop || toks[i+1].tag == mark
	if !atEnd || i < 2 || toks[i].tag != noun || toks[i].form&lexicon.Base == 0 || toks[i-1].tag != noun || !Plural(toks[i-1].low) {
		return false
	}
	for j := i - 1; j >= 0; j-- {
		if toks[j].isFinite() || toks[j].tag == mark {
			return false
		}
		if relatives.Has(toks[j].low) {
			return true
		}
	}
	return false
}

// isReduced reports whether a verb that looks finite is a participle: it follows an auxiliary, or it
// only modifies the noun before it ("pigments found in plants are …", "a lens called …").
func isReduced(toks []token, i int) bool {
	if i == 0 || toks[i].tag != finite || toks[i].form&lexicon.Participle == 0 {
		return false
	}
	before := i - 1
	for before > 0 && toks[before].tag == adverb {
		before--
	}
	if t := toks[before]; t.tag == auxiliary || t.says("be", "been", "being") {
		return true
	}
	if !toks[i-1].is(noun, mark) {
		return false
	}
	if toks[i].says("called", "named", "termed") {
		return i+1 < len(toks) && toks[i+1].tag != preposition
	}
	return followsVerb(toks, i) || precedesVerb(toks, i)
}

// followsVerb reports whether the clause already has a finite verb before i.
func followsVerb(toks []token, i int) bool {
	for j := i - 1; j >= 0; j-- {
		switch t := toks[j]; {
		case t.isFinite():
			return toks[i-1].tag == noun
		case t.is(subordinator, coordinator, stop, mark):
			return false
		}
	}
	return false
}

// precedesVerb reports whether the clause has another finite verb after i.
func precedesVerb(toks []token, i int) bool {
	if i+1 < len(toks) && toks[i+1].is(determiner, noun, pronoun) {
		return false // its object
	}
	for j := i + 1; j < len(toks); j++ {
		switch t := toks[j]; {
		case t.isFinite():
			return true
		case t.tag == coordinator && toks[i+1].tag == preposition && j+1 < len(toks) && toks[j+1].tag == noun:
		case t.s == "," && endOfAside(toks, j) > j:
			j = endOfAside(toks, j)
		case t.is(subordinator, coordinator, stop, mark):
			return false
		}
	}
	return false
}
