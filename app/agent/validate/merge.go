package validate

import (
	"fmt"
	"slices"

	"studysharper/app/study"
)

// Subjects says what each item of an aid is about, to tell a model what exists already.
func Subjects(a study.Aid) []string {
	var list []string
	switch s := a.(type) {
	case *study.FlashcardSet:
		for _, c := range s.Flashcards {
			list = append(list, c.Question)
		}
	case *study.QuizSet:
		list = subjectsOf(s.Quiz.Questions)
	case *study.ExamSet:
		for _, sec := range s.Exam.Sections {
			list = append(list, subjectsOf(sec.Questions)...)
		}
	case *study.PlanSet:
		for _, sit := range s.Plan.Sessions {
			list = append(list, fmt.Sprintf("day %d: %s", sit.Day, sit.Topic))
		}
	}
	return list
}

func subjectsOf(questions []study.Question) []string {
	list := make([]string, len(questions))
	for i, q := range questions {
		list[i] = q.Question
	}
	return list
}

// Merge adds the items of more to an aid of the same type, without repeats and up to the number
// asked for. An exam's new questions join its shortest section.
func Merge(a, more study.Aid, o study.Options) {
	switch s := a.(type) {
	case *study.FlashcardSet:
		s.Flashcards = append(s.Flashcards, more.(*study.FlashcardSet).Flashcards...)
	case *study.QuizSet:
		s.Quiz.Questions = append(s.Quiz.Questions, more.(*study.QuizSet).Quiz.Questions...)
		s.EstimatedTimeMinutes = 0 // derived again
	case *study.ExamSet:
		shortest := &s.Exam.Sections[0]
		for i := range s.Exam.Sections {
			if len(s.Exam.Sections[i].Questions) < len(shortest.Questions) {
				shortest = &s.Exam.Sections[i]
			}
		}
		for _, sec := range more.(*study.ExamSet).Exam.Sections {
			shortest.Questions = append(shortest.Questions, sec.Questions...)
		}
	case *study.PlanSet:
		s.Plan.Sessions = append(s.Plan.Sessions, newSessions(s.Plan.Sessions, more.(*study.PlanSet).Plan.Sessions)...)
	}
	Settle(a, o)
}

// newSessions are those of more that the plan does not have. Within one answer a topic may be
// repeated on purpose; in an answer that was to add to the plan it is a repeat on the same day.
func newSessions(have, more []study.PlanSession) (list []study.PlanSession) {
	for _, sit := range more {
		if !slices.ContainsFunc(have, func(h study.PlanSession) bool { return h.Day == sit.Day && plain(h.Topic) == plain(sit.Topic) }) {
			list = append(list, sit)
		}
	}
	return list
}
