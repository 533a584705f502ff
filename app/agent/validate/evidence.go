package validate

import (
	"slices"
	"strings"

	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	quotedShare = .6 // of a quote's words, that the material must have
	minQuote    = 2  // words; a shorter quote proves nothing, and refutes nothing
)

// compareEvidence looks the items' evidence up in the material: whether any is there, and the
// paths of the items whose evidence is not. A quote counts as found if the material has it,
// spaces, case and punctuation apart, or has most of its words: models shorten quotes and
// correct their spelling. An item without evidence is not judged, and without material none is.
func compareEvidence(list []item, material string) (found bool, wrong map[string]bool) {
	wrong = make(map[string]bool)
	quotes := slices.ContainsFunc(list, func(it item) bool { return it.evidence != "" })
	if !quotes || strings.TrimSpace(material) == "" {
		return false, wrong
	}
	plain, bag := strings.Join(lowerWords(material), " "), text.NewBag(material)
	for _, it := range list {
		words := lowerWords(it.evidence)
		if len(words) < minQuote {
			continue
		}
		if !strings.Contains(plain, strings.Join(words, " ")) && bag.Overlap(it.evidence) < quotedShare {
			wrong[it.path] = true
			continue
		}
		found = true
	}
	return found, wrong
}

// clearEvidence removes the quotes, which only serve the check.
func clearEvidence(a study.Aid) {
	switch s := a.(type) {
	case *study.FlashcardSet:
		for i := range s.Flashcards {
			s.Flashcards[i].Evidence = ""
		}
	case *study.QuizSet:
		clearQuestions(s.Quiz.Questions)
	case *study.ExamSet:
		for i := range s.Exam.Sections {
			clearQuestions(s.Exam.Sections[i].Questions)
		}
	case *study.SummarySet:
		for i := range s.Summary.MainPoints {
			s.Summary.MainPoints[i].Evidence = ""
		}
		for i := range s.Summary.KeyTerms {
			s.Summary.KeyTerms[i].Evidence = ""
		}
	}
}

func clearQuestions(list []study.Question) {
	for i := range list {
		list[i].Evidence = ""
	}
}
