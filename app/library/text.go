package library

import (
	"fmt"

	"studysharper/app/study"
)

// Texts returns the texts by which an aid is found: its titles and the texts of its items.
func Texts(a study.Aid) []string {
	texts := titlesOf(a)
	for _, v := range values(a) {
		texts = append(texts, textsOf(v)...)
	}
	return texts
}

// titlesOf returns the texts of an aid that do not belong to its items.
func titlesOf(a study.Aid) []string {
	switch s := a.(type) {
	case *study.QuizSet:
		return []string{s.Quiz.Title}
	case *study.ExamSet:
		texts := []string{s.Exam.Title}
		for _, section := range s.Exam.Sections {
			texts = append(texts, section.SectionName)
		}
		return texts
	case *study.SummarySet:
		return []string{s.Summary.Title, s.Summary.Text}
	case *study.AnalysisSet:
		b := s.Analysis
		var texts []string
		for _, list := range [][]string{b.Strengths, b.Gaps, b.KeyConcepts, b.Suggestions} {
			texts = append(texts, list...)
		}
		return texts
	case *study.PlanSet:
		return []string{s.Plan.Title}
	default:
		return nil
	}
}

// textsOf returns the texts of an item.
func textsOf(value any) []string {
	switch v := value.(type) {
	case *study.Flashcard:
		return []string{v.Question, v.Answer, v.Topic}
	case *study.Question:
		texts := append([]string{v.Question, v.SampleAnswer, v.Rubric, v.Explanation}, v.Options...)
		if answer, is := v.CorrectAnswer.(string); is {
			texts = append(texts, answer)
		}
		return append(texts, v.AcceptableAnswers...)
	case *study.MainPoint:
		return []string{v.Point, v.Details}
	case *study.KeyTerm:
		return []string{v.Term, v.Definition}
	case *study.PlanSession:
		return append([]string{v.Topic}, v.Activities...)
	default:
		panic(fmt.Sprintf("library: %T is not an item", value))
	}
}
