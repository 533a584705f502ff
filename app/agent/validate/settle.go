package validate

import (
	"slices"
	"strings"

	"studysharper/app/study"
)

// Bounds of what is derived rather than asked of a model.
const (
	readingWordsPerMinute = 200
	minutesPerQuestion    = 1 // multiple choice and true/false; a short answer takes twice as long
)

// Settle puts right, in place, what needs no judgement: it cuts items above the
// number asked for, repairs what models write in their own way (types, points, which
// option is meant), spreads an exam's points to 100, derives every sum and count from the
// items and turns absent lists into empty ones. What it leaves wrong
// is the aid's own, for Check to name.
func Settle(a study.Aid, o study.Options) {
	trim(a, o)
	switch s := a.(type) {
	case *study.FlashcardSet:
		settleCards(s)
	case *study.QuizSet:
		settleQuiz(s)
	case *study.ExamSet:
		settleExam(s)
	case *study.SummarySet:
		settleSummary(s)
	case *study.AnalysisSet:
		b := &s.Analysis
		notNil(&b.Strengths, &b.Gaps, &b.KeyConcepts, &b.Suggestions)
	case *study.PlanSet:
		for i := range s.Plan.Sessions {
			notNil(&s.Plan.Sessions[i].Activities)
		}
	}
}

func notNil(lists ...*[]string) {
	for _, list := range lists {
		if *list == nil {
			*list = []string{}
		}
	}
}

// trim cuts off the items above the number asked for.
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

// trimExam takes the last question of the longest section, so that no section runs
// empty before the others.
func trimExam(s *study.ExamSet, extra int) {
	for range extra {
		longest := 0
		for i := range s.Exam.Sections {
			if len(s.Exam.Sections[i].Questions) >= len(s.Exam.Sections[longest].Questions) {
				longest = i
			}
		}
		sec := &s.Exam.Sections[longest]
		sec.Questions = sec.Questions[:len(sec.Questions)-1]
	}
	s.Exam.Sections = slices.DeleteFunc(s.Exam.Sections, func(sec study.ExamSection) bool { return len(sec.Questions) == 0 })
}

// spreadPoints scales positive points to a sum of 100, keeping their proportions
// as far as whole points allow: each question gets the whole part of its share of
// what the ones before it have left over. Other points are left for Check to name.
func spreadPoints(s *study.ExamSet) {
	sum, count := 0, 0
	for _, sec := range s.Exam.Sections {
		for _, q := range sec.Questions {
			if q.Points <= 0 {
				return
			}
			sum, count = sum+q.Points, count+1
		}
	}
	if count > study.ExamPoints {
		return
	}
	left := study.ExamPoints
	for _, sec := range s.Exam.Sections {
		for i := range sec.Questions {
			q := &sec.Questions[i]
			count--
			share := min(max(left*q.Points/sum, 1), left-count) // 1 at least for each that follows
			sum, left, q.Points = sum-q.Points, left-share, share
		}
	}
}

func settleCards(s *study.FlashcardSet) {
	s.TotalCount = len(s.Flashcards)
	s.TopicsCovered = []string{}
	for i := range s.Flashcards {
		c := &s.Flashcards[i]
		c.Topic = strings.TrimSpace(c.Topic)
		c.Difficulty = strings.ToLower(strings.TrimSpace(c.Difficulty))
		if c.Topic != "" && !slices.Contains(s.TopicsCovered, c.Topic) {
			s.TopicsCovered = append(s.TopicsCovered, c.Topic)
		}
	}
	if s.Flashcards == nil {
		s.Flashcards = []study.Flashcard{}
	}
}

func settleQuiz(s *study.QuizSet) {
	s.TotalPoints = 0
	minutes := 0
	for i := range s.Quiz.Questions {
		q := &s.Quiz.Questions[i]
		repairQuestion(q, false)
		s.TotalPoints += q.Points
		minutes += minutesPerQuestion
		if q.Type == study.ShortAnswer {
			minutes += minutesPerQuestion
		}
	}
	if s.EstimatedTimeMinutes <= 0 {
		s.EstimatedTimeMinutes = minutes
	}
}

func settleExam(s *study.ExamSet) {
	s.Exam.TotalPoints = study.ExamPoints
	for i := range s.Exam.Sections {
		for j := range s.Exam.Sections[i].Questions {
			repairQuestion(&s.Exam.Sections[i].Questions[j], true)
		}
	}
	spreadPoints(s)
}

func settleSummary(s *study.SummarySet) {
	b := &s.Summary
	if b.KeyTerms == nil {
		b.KeyTerms = []study.KeyTerm{}
	}
	s.WordCount = len(strings.Fields(b.Text))
	if s.WordCount == 0 {
		for _, p := range b.MainPoints {
			s.WordCount += len(strings.Fields(p.Point)) + len(strings.Fields(p.Details))
		}
	}
	s.EstimatedReadingTimeMinutes = 0
	if s.WordCount > 0 {
		s.EstimatedReadingTimeMinutes = (s.WordCount + readingWordsPerMinute - 1) / readingWordsPerMinute
	}
}
