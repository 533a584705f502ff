// Package facts finds the questions that a text answers: facts, each a question with the
// answer that one sentence gives; distractors, which are wrong answers to it; and the
// weight of every sentence. Its main idea: a fact follows from the form of a sentence
// ("Y because X"), so that question and answer use the text's words, and a sentence
// without a clear form gives no fact.
package facts

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/study"
)

// Kind is the kind of question that a Fact answers.
type Kind int

// The kinds of fact.
const (
	Define  Kind = iota // What is X?
	Reverse             // Which term means …?
	Role                // What is the function of X?
	Why
	How
	Happens // What happens when …?
	Date    // What happened in 1789?
	Year    // In which year …?
	Subject // What absorbs …?
	Cloze   // Complete: … ____ …
	Listed  // an entry of a list, as typed
)

// A Fact is a question with the answer that one sentence gives. Both are complete,
// capitalised texts; the question does not give the answer away.
type Fact struct {
	Kind     Kind
	Question string
	Answer   string
	At       int    // the index of its sentence
	Term     string // the term that a Define, Reverse or Cloze fact is about, else ""
}

// Level returns how hard a fact is to recall: study.Easy, study.Medium or study.Hard.
func (f Fact) Level() string {
	switch f.Kind {
	case Why, How:
		return study.Hard
	case Reverse, Date, Year, Cloze:
		return study.Easy
	case Define:
		if strings.Count(f.Answer, " ") < 9 {
			return study.Easy
		}
	}
	return study.Medium
}

// Facts returns every fact of the source in the order of its sentences, and by kind within a
// sentence; nil if ctx ends first.
func (src *Source) Facts(ctx context.Context) []Fact {
	var out []Fact
	defs := make(map[int][]Definition)
	for _, d := range src.Defs() {
		defs[d.At] = append(defs[d.At], d)
	}
	for i := range src.Sentences {
		if i%64 == 0 && ctx.Err() != nil {
			return nil
		}
		for _, f := range src.factsAt(i, defs[i]) {
			if f.At = i; f.Kind == Listed || src.isSound(f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// factsAt returns the facts of sentence i, given its definitions.
func (src *Source) factsAt(i int, defs []Definition) []Fact {
	s := src.Sentences[i]
	switch {
	case s.Card != nil:
		return []Fact{src.newListedFact(*s.Card)}
	case !src.English:
		if f, ok := src.readForeignCloze(i); ok {
			return []Fact{f}
		}
		return nil
	case !src.Sound(i):
		return nil
	}
	defining, found := src.definingFacts(defs), src.tellingFacts(i, defs)
	defined := len(defining) > 0
	found = append(defining, found...)
	if slices.ContainsFunc(defs, func(d Definition) bool { return d.Form == english.Phrase && english.IsOrdinal(d.Meaning) }) {
		return found // an opinion makes no good cloze either
	}
	if f, ok := src.readCloze(i); ok && !(defined && asksFor(found, f.Term)) {
		found = append(found, f)
	}
	return found
}

// tellingFacts returns the fact that the form of sentence i states, or else the one about its subject.
func (src *Source) tellingFacts(i int, defs []Definition) []Fact {
	if f, ok := src.readRelation(i); ok {
		return []Fact{f}
	}
	if len(defs) == 0 {
		if f, ok := src.readSubject(i); ok {
			return []Fact{f}
		}
	}
	return nil
}

// definingFacts returns the facts of the definitions that make questions.
func (src *Source) definingFacts(defs []Definition) (found []Fact) {
	for _, d := range defs {
		if !src.IsWorthDefining(d) {
			continue
		}
		found = append(found, newDefineFact(d))
		if f, ok := newReverseFact(d); ok {
			found = append(found, f)
		}
	}
	return found
}

// Bounds of a card's two sides, in bytes.
const (
	maxQuestion = 320
	maxAnswer   = 420
)

// asksFor reports whether one of the facts is already about term.
func asksFor(facts []Fact, term string) bool {
	for _, f := range facts {
		if strings.EqualFold(f.Term, term) {
			return true
		}
	}
	return false
}
