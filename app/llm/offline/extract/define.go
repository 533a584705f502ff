package extract

import "studysharper/app/text"

// defineFact asks for a definition.
func defineFact(d Definition) Fact {
	return Fact{Kind: Define, Question: DefineQuestion(d), Answer: text.Finished(d.Meaning), Term: d.Term}
}

// DefineQuestion asks what a term means.
func DefineQuestion(d Definition) string {
	switch {
	case d.Form == text.Parts && d.Plural:
		return "What do " + d.Named() + " consist of?"
	case d.Form == text.Parts:
		return "What does " + d.Named() + " consist of?"
	case d.Form == text.Clause:
		return "What does the term “" + d.Term + "” refer to?"
	case d.Label && !text.IsPerson(d.Definition):
		return "What does the term “" + d.Term + "” mean?"
	case text.IsPerson(d.Definition):
		return "Who " + d.Be() + " " + d.Named() + "?"
	default:
		return "What " + d.Be() + " " + d.Named() + "?"
	}
}

// reverseFact asks for the term.
func reverseFact(d Definition) (Fact, bool) {
	f := Fact{Kind: Reverse, Answer: text.Capital(d.Term), Term: d.Term}
	switch {
	case d.Form == text.Parts:
		return f, false
	case text.IsPerson(d.Definition):
		f.Question = "Who " + d.Be() + " this: " + d.Meaning + "?"
	case d.Form == text.Clause:
		f.Question = "Which term names this: " + d.Meaning + "?"
	case !d.Label && text.IsName(d.Term):
		f.Question = "Which name goes with this: " + d.Meaning + "?"
	default:
		f.Question = "Which term means: " + d.Meaning + "?"
	}
	return f, text.Overlap(d.Term, d.Meaning) < 0.6
}
