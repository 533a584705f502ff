// Package facts finds what can be asked about a text: facts, each a question with the
// answer that one sentence gives; distractors, which are wrong answers to it; and the
// weight of every sentence. The one idea: a fact follows from the form of a sentence
// ("Y because X"), so that question and answer are the text's own words, and a sentence
// without a clear form gives no fact.
package facts

import (
	"context"
	"strings"

	"studysharper/app/study"
	"studysharper/app/text"
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
	Subject // What absorbs …?
	Cloze   // Complete: … ____ …
)

// A Fact is a question with the answer that one sentence gives. Both are complete,
// capitalised texts; the question does not give the answer away.
type Fact struct {
	Kind     Kind
	Question string
	Answer   string
	At       int    // its sentence
	Term     string // what a Define, Reverse or Cloze fact turns on, else ""
}

// Level is how hard a fact is to recall: study.Easy, study.Medium or study.Hard.
func (f Fact) Level() string {
	switch f.Kind {
	case Why, How:
		return study.Hard
	case Reverse, Date, Cloze:
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
	at := make(map[int][]Fact)
	for _, d := range src.Defs {
		at[d.At] = append(at[d.At], newDefineFact(d))
	}
	for _, d := range src.Defs {
		if f, ok := newReverseFact(d); ok {
			at[d.At] = append(at[d.At], f)
		}
	}
	for i := range src.Sentences {
		if i%64 == 0 && ctx.Err() != nil {
			return nil
		}
		found := at[i]
		if f, ok := src.readRelation(i); ok {
			found = append(found, f)
		} else if f, ok := src.readSubject(i); ok && len(at[i]) == 0 {
			found = append(found, f)
		}
		if f, ok := src.readCloze(i); ok && !asksFor(at[i], f.Term) {
			found = append(found, f)
		}
		for _, f := range found {
			if f.At = i; isSound(f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// Bounds of a card's two sides, in bytes.
const (
	maxQuestion = 320
	maxAnswer   = 420
)

// isSound reports whether a fact can be asked: both sides have a sensible length and the
// question does not give the answer away.
func isSound(f Fact) bool {
	if len(f.Question) < 8 || len(f.Question) > maxQuestion || f.Answer == "" || len(f.Answer) > maxAnswer {
		return false
	}
	return f.Kind == Cloze || text.Overlap(f.Answer, f.Question) < 0.75
}

// asksFor reports whether one of the facts already turns on term.
func asksFor(facts []Fact, term string) bool {
	for _, f := range facts {
		if strings.EqualFold(f.Term, term) {
			return true
		}
	}
	return false
}
