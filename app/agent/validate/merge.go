package validate

import (
	"fmt"
	"slices"
	"strings"

	"studysharper/app/study"
)

// Subjects returns the subject of each item of an aid, to tell a model what already exists.
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

// Merge adds the items of more to an aid of the same type, without repeats and up to the requested number. New
// questions of an exam are added to its shortest section.
func Merge(a, more study.Aid, o study.Options) {
	switch s := a.(type) {
	case *study.FlashcardSet:
		s.Flashcards = append(s.Flashcards, more.(*study.FlashcardSet).Flashcards...)
	case *study.QuizSet:
		s.Quiz.Questions = append(s.Quiz.Questions, more.(*study.QuizSet).Quiz.Questions...)
		s.EstimatedTimeMinutes = 0 // Settle derives it again
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

// Join merges the aids of the parts of a text, in their order, without repeats and with the requested number of items.
// There must be at least one aid; the first one is modified and returned.
func Join(aids []study.Aid, o study.Options) study.Aid {
	first := aids[0]
	switch s := first.(type) {
	case *study.ExamSet:
		for _, more := range aids[1:] {
			s.Exam.Sections = append(s.Exam.Sections, more.(*study.ExamSet).Exam.Sections...)
		}
		for i := range s.Exam.Sections {
			s.Exam.Sections[i].TimeEstimateMinutes = 0 // Settle derives it again
		}
		o.Sections = max(min(o.Sections, len(s.Exam.Sections)), 0)
	case *study.SummarySet:
		for _, more := range aids[1:] {
			body := more.(*study.SummarySet).Summary
			s.Summary.MainPoints = append(s.Summary.MainPoints, body.MainPoints...)
			s.Summary.KeyTerms = append(s.Summary.KeyTerms, body.KeyTerms...)
			s.Summary.Text = strings.TrimSpace(s.Summary.Text + "\n\n" + body.Text)
		}
	case *study.AnalysisSet:
		for _, more := range aids[1:] {
			joinAnalyses(&s.Analysis, more.(*study.AnalysisSet).Analysis)
		}
	case *study.PlanSet:
		for _, more := range aids[1:] {
			days := 0
			if n := len(s.Plan.Sessions); n > 0 {
				days = s.Plan.Sessions[n-1].Day
			}
			for _, sit := range more.(*study.PlanSet).Plan.Sessions {
				sit.Day += days
				s.Plan.Sessions = append(s.Plan.Sessions, sit)
			}
		}
	default:
		for _, more := range aids[1:] {
			Merge(first, more, study.Options{})
		}
	}
	filter(first, unlike(items(first)))
	Settle(first, o)
	return first
}

// maxLines is the maximum length of each list of a joined analysis.
const maxLines = 12

// joinAnalyses adds the lines of another part, without repeats.
func joinAnalyses(a *study.AnalysisBody, more study.AnalysisBody) {
	for _, list := range []struct {
		into *[]string
		more []string
	}{{&a.Strengths, more.Strengths}, {&a.Gaps, more.Gaps}, {&a.KeyConcepts, more.KeyConcepts}, {&a.Suggestions, more.Suggestions}} {
		for _, line := range list.more {
			if len(*list.into) < maxLines && !slices.ContainsFunc(*list.into, func(l string) bool { return plain(l) == plain(line) }) {
				*list.into = append(*list.into, line)
			}
		}
	}
}

// unlike returns a filter that accepts the items that differ from all items before them.
func unlike(list []item) func(path string) bool {
	repeats := make(map[string]bool)
	sets := wordSets(list)
	for i := range list {
		for j := range i {
			if alike(sets[i], sets[j]) && len(sets[i]) > 1 {
				repeats[list[i].path] = true
				break
			}
		}
	}
	return func(path string) bool { return !repeats[path] }
}

// newSessions returns the sessions of more that the plan does not contain. Within one answer, a topic may be repeated
// on purpose; in an answer that adds to the plan, the same topic on the same day is a repeat.
func newSessions(have, more []study.PlanSession) (list []study.PlanSession) {
	for _, sit := range more {
		if !slices.ContainsFunc(have, func(h study.PlanSession) bool { return h.Day == sit.Day && plain(h.Topic) == plain(sit.Topic) }) {
			list = append(list, sit)
		}
	}
	return list
}
