package agenttest

import (
	"encoding/json"
	"fmt"

	"studysharper/app/study"
)

// Asking returns a request of a type with source text.
func Asking(typ study.Type) study.Request {
	return study.Request{Type: typ, UserID: Alice, SessionID: SessionID, Message: "Help me learn this.",
		Options: study.Options{Content: Source, Count: 2, QuestionCount: 2, Sections: 1}}
}

// CardSet returns a good answer with n flashcards, supported by Source.
func CardSet(n int) string {
	answers := []string{"the division of a cell nucleus", "the chromosomes condense", "the chromosomes line up at the equator",
		"the chromatids separate", "new membranes form"}
	s := &study.FlashcardSet{}
	for i := range n {
		s.Flashcards = append(s.Flashcards, study.Flashcard{Question: fmt.Sprintf("Question %d?", i),
			Answer: answers[i%len(answers)], Topic: "mitosis", Difficulty: study.Easy})
	}
	return JSON(s)
}

// JSON returns v as JSON text.
func JSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// GoodAnswer returns a good answer of a model to Asking(typ).
func GoodAnswer(typ study.Type) string {
	questions := []study.Question{
		{Type: study.MultipleChoice, Question: "What separates in anaphase?", Options: []string{"chromatids", "membranes", "nuclei", "cells"},
			CorrectAnswer: "chromatids", Points: 50},
		{Type: study.ShortAnswer, Question: "What forms in telophase?", AcceptableAnswers: []string{"new membranes"},
			SampleAnswer: "new membranes", Rubric: "names the membranes", Points: 50},
	}
	switch typ {
	case study.Flashcards:
		return CardSet(2)
	case study.Quiz:
		return JSON(&study.QuizSet{Quiz: study.QuizBody{Title: "Mitosis", Questions: questions}})
	case study.Exam:
		return JSON(&study.ExamSet{Exam: study.ExamBody{Title: "Mitosis", DurationMinutes: 60, TotalPoints: 100, Sections: []study.ExamSection{
			{SectionName: "A", Instructions: "Answer.", TimeEstimateMinutes: 60, Questions: questions}}}})
	case study.Summary:
		return JSON(&study.SummarySet{Summary: study.SummaryBody{Title: "Mitosis", Text: "Mitosis divides a nucleus.",
			MainPoints: []study.MainPoint{{Point: "Mitosis is the division of a cell nucleus.", Details: "The chromatids separate.", Importance: "high"}}}})
	case study.Analysis:
		return JSON(&study.AnalysisSet{Analysis: study.AnalysisBody{Strengths: []string{"names the phases"},
			KeyConcepts: []string{"mitosis"}, Suggestions: []string{"add a drawing"}}})
	case study.Plan:
		return JSON(&study.PlanSet{Plan: study.PlanBody{Title: "Mitosis in two days", Sessions: []study.PlanSession{
			{Day: 1, Topic: "prophase", Activities: []string{"read"}, Minutes: 30}, {Day: 2, Topic: "anaphase", Activities: []string{"draw"}, Minutes: 30}}}})
	default:
		return "Mitosis is the division of a nucleus."
	}
}
