package facts

import (
	"slices"

	"studysharper/app/offline/english"
	"studysharper/app/text"
)

// A Definition that a Source gives.
type Definition struct {
	english.Definition
	At int // its sentence
}

// maxDefs bounds the definitions of a text: each one is compared with every other.
const maxDefs = 80

// Defs returns the definitions that the text gives, in its order, 80 at most.
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

// DefsOf returns those of Defs that the sentences give, and perhaps others. It reads no more of the text than it must.
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

// mayDefineMany reports whether the text may give more definitions than Defs returns. Prose gives one in two sentences
// at most.
func (src *Source) mayDefineMany() bool {
	n := 0
	for _, s := range src.Sentences {
		if n += 2; s.Card != nil {
			n++
		}
	}
	return n > 3*maxDefs
}

// define reads the definitions of sentences, and of all others that may define the same terms.
func (src *Source) define(sentences []int) {
	for _, i := range sentences {
		for j, s := range src.Plain {
			if s != src.Plain[i] { // a sentence may be there twice
				continue
			}
			for _, term := range src.definer.Read(j) {
				src.define(src.Index.Mentions(term))
			}
		}
	}
}

// newDefineFact asks for a definition.
func newDefineFact(d Definition) Fact {
	return Fact{Kind: Define, Question: DefineQuestion(d), Answer: english.Finished(english.WithoutContrast(d.Meaning)), Term: d.Term}
}

// isPerson reports whether the term is a person, by what the text says of it or by its name.
func (d Definition) isPerson() bool {
	return english.IsPerson(d.Definition) || english.IsPersonName(d.Term)
}

// DefineQuestion asks what a term means.
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

// newReverseFact asks for the term.
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
