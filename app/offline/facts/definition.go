package facts

import (
	"studysharper/app/offline/english"
	"studysharper/app/text"
)

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
