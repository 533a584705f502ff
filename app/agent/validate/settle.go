package validate

import (
	"cmp"
	"slices"
	"strings"

	"studysharper/app/study"
)

// Limits and defaults of values that are derived instead of requested from a model.
const (
	readingWordsPerMinute = 200
	minutesPerQuestion    = 1 // multiple choice and true/false; a short answer takes twice as long
	examMinutes           = 60
	sessionMinutes        = 30
)

// Settle repairs an aid in place, as far as that needs no judgement, and returns the faults of the items that it
// removes. It repairs what models write in their own way (types, points, which option is the answer), removes unusable
// items and those above the requested number, scales an exam's points to 100 and distributes its questions over the
// requested sections, derives every sum and count from the items, and replaces nil lists by empty ones. It leaves other
// faults for Check to report.
func Settle(a study.Aid, o study.Options) (faults []string) {
	repairItems(a, o)
	faults = study.Prune(a, o)
	trim(a, o)
	switch s := a.(type) {
	case *study.FlashcardSet:
		settleCards(s)
	case *study.QuizSet:
		settleQuiz(s)
	case *study.ExamSet:
		settleExam(s, o)
	case *study.SummarySet:
		settleSummary(s)
	case *study.AnalysisSet:
		for _, list := range []*[]string{&s.Analysis.Strengths, &s.Analysis.Gaps, &s.Analysis.KeyConcepts, &s.Analysis.Suggestions} {
			*list = notNil(*list)
		}
	}
	return faults
}

// repairItems repairs each item separately.
func repairItems(a study.Aid, o study.Options) {
	switch s := a.(type) {
	case *study.FlashcardSet:
		for i := range s.Flashcards {
			c := &s.Flashcards[i]
			c.Topic = strings.TrimSpace(c.Topic)
			c.Difficulty = level(c.Difficulty, difficulties, study.Medium)
		}
	case *study.QuizSet:
		for i := range s.Quiz.Questions {
			repairQuestion(&s.Quiz.Questions[i], false)
		}
	case *study.ExamSet:
		for _, sec := range s.Exam.Sections {
			for i := range sec.Questions {
				repairQuestion(&sec.Questions[i], true)
			}
		}
	case *study.SummarySet:
		for i := range s.Summary.MainPoints {
			p := &s.Summary.MainPoints[i]
			p.Importance = level(p.Importance, importances, "medium")
		}
	case *study.PlanSet:
		day := 1
		for i := range s.Plan.Sessions {
			sit := &s.Plan.Sessions[i]
			day = max(day, sit.Day)
			sit.Day = day
			sit.Activities = notNil(sit.Activities)
			if sit.Minutes <= 0 {
				sit.Minutes = cmp.Or(o.DurationMinutes, sessionMinutes)
			}
		}
	}
}

// Other words for levels, by our own names of the levels.
var (
	difficulties = map[string][]string{
		study.Easy:   {"easy", "beginner", "basic", "simple", "low"},
		study.Medium: {"medium", "moderate", "intermediate", "normal"},
		study.Hard:   {"hard", "difficult", "advanced", "challenging", "expert", "high"},
	}
	importances = map[string][]string{
		"high": {"high", "critical", "essential", "very important"}, "medium": {"medium", "moderate"}, "low": {"low", "minor"},
	}
)

// level returns the level that a word means, or otherwise if the word is unknown.
func level(word string, levels map[string][]string, otherwise string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	first, _, _ := strings.Cut(word, " ")
	for _, said := range []string{word, first} {
		for name, words := range levels {
			if slices.Contains(words, said) {
				return name
			}
		}
	}
	return otherwise
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// trim removes the items above the requested number.
func trim(a study.Aid, o study.Options) {
	extra := -study.Shortfall(a, o)
	if extra <= 0 {
		return
	}
	want := study.Asked(a.Type(), o)
	switch s := a.(type) {
	case *study.FlashcardSet:
		s.Flashcards = s.Flashcards[:want]
	case *study.QuizSet:
		s.Quiz.Questions = s.Quiz.Questions[:want]
	case *study.PlanSet:
		s.Plan.Sessions = s.Plan.Sessions[:want]
	case *study.ExamSet:
		trimExam(s, extra)
	}
}

func settleCards(s *study.FlashcardSet) {
	s.Flashcards = notNil(s.Flashcards)
	s.TotalCount = len(s.Flashcards)
	s.TopicsCovered = []string{}
	for _, c := range s.Flashcards {
		if c.Topic != "" && !slices.Contains(s.TopicsCovered, c.Topic) {
			s.TopicsCovered = append(s.TopicsCovered, c.Topic)
		}
	}
}

func settleQuiz(s *study.QuizSet) {
	s.TotalPoints = 0
	for _, q := range s.Quiz.Questions {
		s.TotalPoints += q.Points
	}
	if s.EstimatedTimeMinutes <= 0 {
		s.EstimatedTimeMinutes = minutesFor(s.Quiz.Questions)
	}
}

// minutesFor estimates how long questions take.
func minutesFor(questions []study.Question) int {
	minutes := 0
	for _, q := range questions {
		minutes += minutesPerQuestion
		if q.Type == study.ShortAnswer {
			minutes += minutesPerQuestion
		}
	}
	return minutes
}

func settleSummary(s *study.SummarySet) {
	b := &s.Summary
	b.MainPoints, b.KeyTerms = notNil(b.MainPoints), notNil(b.KeyTerms)
	s.WordCount = len(strings.Fields(b.Text))
	if s.WordCount == 0 {
		for _, p := range b.MainPoints {
			s.WordCount += len(strings.Fields(p.Point)) + len(strings.Fields(p.Details))
		}
	}
	s.EstimatedReadingTimeMinutes = (s.WordCount + readingWordsPerMinute - 1) / readingWordsPerMinute
}
