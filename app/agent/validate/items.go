package validate

import (
	"fmt"

	"studysharper/app/study"
)

// item is one item of an aid as the rules see it.
type item struct {
	path    string
	origin  *study.Origin // nil if the item has no origin
	key     string        // what distinguishes it from the other items
	wanted  []string      // its texts
	longest int           // maximum length of each of its texts, in words
	strict  bool          // none of its texts may be empty
}

// Maximum lengths of texts, in words, that a student can read as one item.
const (
	longestCard     = 120
	longestQuestion = 120
	longestPoint    = 150
	longestLine     = 60
)

// items returns the items of an aid; a Reply has none.
func items(a study.Aid) []item {
	switch s := a.(type) {
	case *study.FlashcardSet:
		return cardItems(s)
	case *study.QuizSet:
		return questionItems("quiz.questions", s.Quiz.Questions)
	case *study.ExamSet:
		var all []item
		for i, sec := range s.Exam.Sections {
			all = append(all, questionItems(fmt.Sprintf("exam.sections[%d].questions", i), sec.Questions)...)
		}
		return all
	case *study.SummarySet:
		return summaryItems(s)
	case *study.AnalysisSet:
		return analysisItems(s)
	case *study.PlanSet:
		return planItems(s)
	default:
		return nil
	}
}

func cardItems(s *study.FlashcardSet) []item {
	list := make([]item, len(s.Flashcards))
	for i, c := range s.Flashcards {
		list[i] = item{path: fmt.Sprintf("flashcards[%d]", i), origin: &s.Flashcards[i].Origin, key: c.Question + " " + c.Answer,
			wanted: []string{c.Question, c.Answer}, longest: longestCard, strict: true}
	}
	return list
}

func questionItems(path string, questions []study.Question) []item {
	list := make([]item, len(questions))
	for i, q := range questions {
		answer := rightAnswer(q)
		list[i] = item{path: fmt.Sprintf("%s[%d]", path, i), origin: &questions[i].Origin, key: q.Question + " " + answer,
			wanted: []string{q.Question, answer}, longest: longestQuestion, strict: true}
	}
	return list
}

// rightAnswer returns a question's answer as text; for true_false, the statement itself.
func rightAnswer(q study.Question) string {
	switch answer, _ := q.CorrectAnswer.(string); {
	case q.Type == study.TrueFalse:
		return q.Question
	case answer != "":
		return answer
	case q.SampleAnswer != "":
		return q.SampleAnswer
	case len(q.AcceptableAnswers) > 0:
		return q.AcceptableAnswers[0]
	default:
		return ""
	}
}

func summaryItems(s *study.SummarySet) []item {
	var list []item
	for i, p := range s.Summary.MainPoints {
		said := p.Point + " " + p.Details
		list = append(list, item{path: fmt.Sprintf("summary.main_points[%d]", i), origin: &s.Summary.MainPoints[i].Origin, key: said,
			wanted: []string{p.Point, p.Details}, longest: longestPoint})
	}
	for i, t := range s.Summary.KeyTerms {
		list = append(list, item{path: fmt.Sprintf("summary.key_terms[%d]", i), origin: &s.Summary.KeyTerms[i].Origin,
			key: t.Term + " " + t.Definition, wanted: []string{t.Term, t.Definition}, longest: longestPoint})
	}
	return list
}

func analysisItems(s *study.AnalysisSet) []item {
	var list []item
	for _, part := range []struct {
		name  string
		lines []string
	}{
		{"strengths", s.Analysis.Strengths}, {"gaps", s.Analysis.Gaps},
		{"key_concepts", s.Analysis.KeyConcepts}, {"suggestions", s.Analysis.Suggestions},
	} {
		for i, line := range part.lines {
			list = append(list, item{path: fmt.Sprintf("analysis.%s[%d]", part.name, i),
				key: part.name + " " + line, wanted: []string{line}, longest: longestLine})
		}
	}
	return list
}

func planItems(s *study.PlanSet) []item {
	var list []item
	for i, sit := range s.Plan.Sessions {
		key := fmt.Sprint(sit.Day, " ", sit.Topic)
		for _, activity := range sit.Activities {
			key += " " + activity
		}
		list = append(list, item{path: fmt.Sprintf("plan.sessions[%d]", i), key: key,
			wanted: append([]string{sit.Topic}, sit.Activities...), longest: longestLine})
	}
	return list
}

// filter removes the items of an aid whose paths keep rejects.
func filter(a study.Aid, keep func(path string) bool) {
	switch s := a.(type) {
	case *study.FlashcardSet:
		s.Flashcards = filtered("flashcards", s.Flashcards, keep)
	case *study.QuizSet:
		s.Quiz.Questions = filtered("quiz.questions", s.Quiz.Questions, keep)
	case *study.ExamSet:
		for i := range s.Exam.Sections {
			sec := &s.Exam.Sections[i]
			sec.Questions = filtered(fmt.Sprintf("exam.sections[%d].questions", i), sec.Questions, keep)
		}
	case *study.SummarySet:
		s.Summary.MainPoints = filtered("summary.main_points", s.Summary.MainPoints, keep)
		s.Summary.KeyTerms = filtered("summary.key_terms", s.Summary.KeyTerms, keep)
	case *study.AnalysisSet:
		s.Analysis.Strengths = filtered("analysis.strengths", s.Analysis.Strengths, keep)
		s.Analysis.Gaps = filtered("analysis.gaps", s.Analysis.Gaps, keep)
		s.Analysis.KeyConcepts = filtered("analysis.key_concepts", s.Analysis.KeyConcepts, keep)
		s.Analysis.Suggestions = filtered("analysis.suggestions", s.Analysis.Suggestions, keep)
	case *study.PlanSet:
		s.Plan.Sessions = filtered("plan.sessions", s.Plan.Sessions, keep)
	}
}

func filtered[T any](path string, list []T, keep func(path string) bool) []T {
	kept := list[:0]
	for i, it := range list {
		if keep(fmt.Sprintf("%s[%d]", path, i)) {
			kept = append(kept, it)
		}
	}
	return kept
}

// texts returns every text of an aid that a student reads.
func texts(a study.Aid) []string {
	var all []string
	switch s := a.(type) {
	case *study.Reply:
		all = append(all, s.Response)
	case *study.FlashcardSet:
		all = append(all, s.TopicsCovered...)
	case *study.QuizSet:
		all = append(append(all, s.Quiz.Title), questionTexts(s.Quiz.Questions)...)
	case *study.ExamSet:
		all = append(all, s.Exam.Title)
		for _, sec := range s.Exam.Sections {
			all = append(append(all, sec.SectionName, sec.Instructions), questionTexts(sec.Questions)...)
		}
	case *study.SummarySet:
		all = append(all, s.Summary.Title, s.Summary.Text)
	case *study.PlanSet:
		all = append(all, s.Plan.Title)
	}
	for _, it := range items(a) {
		all = append(all, it.wanted...)
	}
	return all
}

// questionTexts returns the texts of questions that are not in items.
func questionTexts(questions []study.Question) []string {
	var all []string
	for _, q := range questions {
		all = append(all, q.SampleAnswer, q.Rubric, q.Explanation)
		all = append(append(all, q.Options...), q.AcceptableAnswers...)
	}
	return all
}
