package facts

import (
	"slices"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// A Definition is a definition in a Source's text.
type Definition struct {
	english.Definition
	At int // its sentence
}

// maxDefs bounds the definitions of a text, because each is compared with all others.
const maxDefs = 80

// Defs returns the definitions that the text gives, at most 80, in the order of the text.
func (src *Source) Defs() []Definition {
	return src.defs.get(func() (list []Definition) {
		defs := english.DefinitionsIn(src.Plain, src.Casing)
		for i := range min(len(defs), maxDefs) {
			list = append(list, src.locate(defs[i*len(defs)/min(len(defs), maxDefs)]))
		}
		return list
	})
}

func (src *Source) locate(d english.Definition) Definition {
	return Definition{d, slices.Index(src.Plain, d.Source)}
}

// DefsOf returns the definitions of Defs that the sentences give, and perhaps others. It analyses as little of the text as possible.
func (src *Source) DefsOf(sentences ...int) (list []Definition) {
	if src.defs.made || src.mayDefineMany() {
		return src.Defs()
	}
	if src.definer == nil {
		src.definer = english.NewDefiner(src.Plain, src.Casing)
	}
	src.define(sentences)
	for _, d := range src.definer.Definitions() {
		list = append(list, src.locate(d))
	}
	return list
}

// mayDefineMany reports whether the text may give more definitions than Defs returns. Prose gives at most one in two
// sentences.
func (src *Source) mayDefineMany() bool {
	n := 0
	for _, s := range src.Sentences {
		if n += 2; s.Card != nil {
			n++
		}
	}
	return n > 3*maxDefs
}

// define reads the definitions of the sentences and of all others that may define the same terms.
func (src *Source) define(sentences []int) {
	for _, i := range sentences {
		for j, s := range src.Plain {
			if s != src.Plain[i] { // a sentence may occur twice
				continue
			}
			for _, term := range src.definer.Read(j) {
				src.define(src.Index.Mentions(term))
			}
		}
	}
}

// newDefineFact returns a fact that asks for a definition.
func newDefineFact(d Definition) Fact {
	return Fact{Kind: Define, Question: DefineQuestion(d), Answer: english.Finished(english.WithoutContrast(d.Meaning)), Term: d.Term}
}

// isPerson reports whether the term is a person, by its meaning in the text or by its name.
func (d Definition) isPerson() bool {
	return english.IsPerson(d.Definition) || english.IsPersonName(d.Term)
}

// DefineQuestion returns the question that asks what a term means.
func DefineQuestion(d Definition) string {
	switch {
	case d.Form == english.Parts && d.Plural:
		return "What do " + d.Named() + " consist of?"
	case d.Form == english.Parts:
		return "What does " + d.Named() + " consist of?"
	case d.Form == english.Clause:
		return "What does the term “" + d.Term + "” refer to?"
	case d.Label && !d.isPerson():
		return "What does the term “" + d.Term + "” mean?"
	case d.isPerson():
		return "Who " + d.Be() + " " + d.Named() + "?"
	default:
		return "What " + d.Be() + " " + d.Named() + "?"
	}
}

// newReverseFact returns a fact that gives the meaning and asks for the term.
func newReverseFact(d Definition) (Fact, bool) {
	f := Fact{Kind: Reverse, Answer: english.Capital(d.Term), Term: d.Term}
	switch {
	case d.Form == english.Parts:
		return f, false
	case d.isPerson():
		f.Question = "Who " + d.Be() + " this: " + d.Meaning + "?"
	case d.Form == english.Clause:
		f.Question = "Which term names this: " + d.Meaning + "?"
	case !d.Label && english.IsName(d.Term):
		f.Question = "Which name goes with this: " + d.Meaning + "?"
	default:
		f.Question = "Which term means: " + d.Meaning + "?"
	}
	return f, text.Overlap(d.Term, d.Meaning) < 0.6
}
