package validate

import (
	"fmt"

	"studysharper/app/study"
)

// item is one thing of an aid as the rules see it.
type item struct {
	path    string
	claim   string   // what the source must bear out; "" = nothing
	key     string   // what makes it different from its neighbours
	wanted  []string // texts that it should have
	longest int      // words that one of its texts may have
}

// Longest texts, in words, that a student still reads as one item.
const (
	longestCard     = 120
	longestQuestion = 120
	longestPoint    = 150
	longestLine     = 60
)

// items lists the things of an aid; a Reply has none.
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
		list[i] = item{path: fmt.Sprintf("flashcards[%d]", i), claim: c.Answer, key: c.Question + " " + c.Answer,
			wanted: []string{c.Question, c.Answer}, longest: longestCard}
	}
	return list
}

func questionItems(path string, questions []study.Question) []item {
	list := make([]item, len(questions))
	for i, q := range questions {
		answer := rightAnswer(q)
		list[i] = item{path: fmt.Sprintf("%s[%d]", path, i), claim: answer, key: q.Question + " " + answer,
			wanted: []string{q.Question, answer}, longest: longestQuestion}
	}
	return list
}

// rightAnswer is what a question claims: for true_false the statement itself,
// which shares its words with the source whichever way it is bent.
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
		list = append(list, item{path: fmt.Sprintf("summary.main_points[%d]", i), claim: said, key: said,
			wanted: []string{p.Point, p.Point, p.Point, p.Details}, longest: longestPoint})
	}
	for i, t := range s.Summary.KeyTerms {
		list = append(list, item{path: fmt.Sprintf("summary.key_terms[%d]", i), claim: t.Definition,
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

// texts lists every text of an aid that a student reads.
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

// questionTexts lists what items leave out of a question.
func questionTexts(questions []study.Question) []string {
	var all []string
	for _, q := range questions {
		all = append(all, q.SampleAnswer, q.Rubric, q.Explanation)
		all = append(append(all, q.Options...), q.AcceptableAnswers...)
	}
	return all
}
