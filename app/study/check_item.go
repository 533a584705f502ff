package study

import "strings"

// ItemFaults returns the faults of one item of an aid of the type: a pointer to a Flashcard, Question, MainPoint,
// KeyTerm or PlanSession.
func ItemFaults(t Type, item any) []Fault {
	var f faults
	switch v := item.(type) {
	case *Flashcard:
		f.card("", *v)
	case *Question:
		f.question("", *v, Options{}, t == Exam)
	case *MainPoint:
		f.mainPoint("", *v)
	case *KeyTerm:
		f.keyTerm("", *v)
	case *PlanSession:
		f.positive(".day", v.Day)
		f.session("", *v)
	}
	var named []Fault
	for _, text := range f {
		field, detail, _ := strings.Cut(strings.TrimPrefix(text, "."), " ")
		named = append(named, Fault{Field: field, Detail: detail})
	}
	return named
}
