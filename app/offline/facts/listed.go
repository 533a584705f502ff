package facts

import (
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/offline/lists"
)

// newListedFact makes a fact of the entry of a list. A definition gets a question; all other
// entries are used as typed.
func (src *Source) newListedFact(c lists.Card) Fact {
	f := Fact{Kind: Listed, Question: c.Front, Answer: c.Back, Term: c.Front}
	switch {
	case c.Kind != lists.Term:
		f.Term = ""
	case c.Column != "" && src.English && !strings.Contains(c.Column, " "):
		f.Question = english.Capital(c.Column) + " of " + c.Front + "?"
	case c.Column != "":
		f.Question = c.Front + " – " + c.Column + "?"
	case src.English && english.IsDate(c.Front) && english.IsStatement(c.Back):
		f.Question, f.Answer = "What happened "+english.OnDate(c.Front)+"?", english.Finished(c.Back)
	case src.defines.get(src.mostlyDefines) && isDefinition(c) && src.Casing.Lower(c.Front) == strings.ToLower(c.Front):
		if named := english.WithArticle(src.Casing.Lower(c.Front), c.Back); named != "" {
			f.Question, f.Answer = "What "+named+"?", english.Finished(c.Back)
		}
	}
	return f
}

// mostlyDefines reports whether most entries of the lists are terms with definitions.
func (src *Source) mostlyDefines() bool {
	all, defining := 0, 0
	for _, s := range src.Sentences {
		if s.Card != nil && s.Card.Kind == lists.Term {
			if all++; isDefinition(*s.Card) {
				defining++
			}
		}
	}
	return src.English && defining*2 >= all
}

// isDefinition reports whether the sides of an entry are a term and a phrase that says what it is.
func isDefinition(c lists.Card) bool {
	return strings.Count(c.Back, " ") >= 2 && strings.Count(c.Front, " ") < 5 && !strings.ContainsAny(c.Front+c.Back, "!/;→") && !strings.ContainsAny(c.Front, "0123456789?,") && english.IsRestricted(c.Back) && english.IsNounPhrase(c.Front) && english.OpensNounPhrase(c.Back) && !english.OpensImperative(c.Back)
}

// IsPhrased reports whether a listed fact has a question instead of the text as typed.
func (f Fact) IsPhrased() bool { return strings.HasPrefix(f.Question, "What ") }
