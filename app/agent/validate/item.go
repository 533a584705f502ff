package validate

import "studysharper/app/study"

// Item settles an aid that contains one item of an unfinished answer, and returns the item for a client to see, with
// its id and its source. It returns false if the item is unusable or unsafe.
func Item(a study.Aid, o study.Options, from *Sources) (study.Item, bool) {
	repairItems(a, o)
	if study.Prune(a, o); len(Safety(a)) > 0 {
		return study.Item{}, false
	}
	from.Cite(a)
	study.Identify(a)
	switch s := a.(type) {
	case *study.FlashcardSet:
		return first(study.ItemCard, s.Flashcards)
	case *study.QuizSet:
		return first(study.ItemQuestion, s.Quiz.Questions)
	case *study.ExamSet:
		if len(s.Exam.Sections) > 0 {
			return first(study.ItemQuestion, s.Exam.Sections[0].Questions)
		}
	case *study.SummarySet:
		return first(study.ItemPoint, s.Summary.MainPoints)
	case *study.PlanSet:
		return first(study.ItemSession, s.Plan.Sessions)
	}
	return study.Item{}, false
}

func first[T any](kind string, list []T) (study.Item, bool) {
	if len(list) == 0 {
		return study.Item{}, false
	}
	return study.Item{Kind: kind, Item: list[0]}, true
}
