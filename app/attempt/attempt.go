// Package attempt grades quizzes and exams. The one idea: multiple choice and true/false have one right answer. A short
// answer is certainly right if it equals an accepted answer, apart from differences that readers would ignore. A model
// grades all other short answers, and the student has the last word.
package attempt

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"studysharper/app/agent/validate"
	"studysharper/app/library"
	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	// MaxAnswerRunes is the maximum length of a short answer.
	MaxAnswerRunes = 4000
	// MaxDuration is the maximum duration of an attempt; longer ones are recorded as this.
	MaxDuration = 24 * time.Hour

	maxTopicRunes = 120
)

// asked is a question and its topic.
type asked struct {
	*study.Question
	topic string
}

// Grade grades the answers to questions of a saved quiz or exam by rules, in the order of the aid. open are the short
// answers that are wrong according to the rules. It returns CodeInvalid if there are no answers, an item does not exist
// or is named twice, or an answer has the wrong type.
func Grade(c study.Content, given []study.GivenAnswer) (a study.Attempt, open []study.OpenAnswer, err error) {
	questions, err := questionsOf(c)
	if err != nil {
		return a, nil, err
	}
	answers, err := byItem(questions, given)
	if err != nil {
		return a, nil, err
	}
	a = study.Attempt{ContentID: c.ID, UserID: c.UserID, Answers: make([]study.GradedAnswer, 0, len(given))}
	for _, q := range questions {
		answer, taken := answers[q.ID]
		if !taken {
			continue
		}
		g := grade(q, answer)
		a.Answers = append(a.Answers, g)
		if said, isText := g.Answer.(string); isText && g.Type == study.ShortAnswer && !g.Correct {
			open = append(open, study.OpenAnswer{ItemID: q.ID, Question: q.Question.Question, Accepted: accepted(q.Question), Rubric: q.Rubric, Answer: said})
		}
	}
	a.Sum()
	return a, open, nil
}

// Overrule marks a short answer as right or wrong, as the student decided.
func Overrule(a *study.Attempt, itemID string, correct bool) error {
	for _, g := range a.Answers {
		if g.ItemID == itemID && g.Type != study.ShortAnswer {
			return study.Invalid([]study.Fault{{Field: "item_id", Detail: "must be the id of a short-answer question: other questions have one right answer"}})
		}
	}
	if !a.Mark(itemID, correct, study.ByStudent) {
		return study.Invalid([]study.Fault{{Field: "item_id", Detail: "must be the id of an answered item"}})
	}
	a.Sum()
	return nil
}

// questionsOf returns the questions of an aid, in their order.
func questionsOf(c study.Content) (list []asked, err error) {
	aid, _, err := library.Read(c.Type, c.Data)
	if err != nil {
		return nil, err
	}
	add := func(questions []study.Question, otherwise string) {
		for i := range questions {
			q := &questions[i]
			topic := otherwise
			if q.Source != nil {
				topic = cmp.Or(strings.TrimSpace(q.Source.Section), strings.TrimSpace(q.Source.Title), otherwise)
			}
			list = append(list, asked{q, text.ClipRunes(topic, maxTopicRunes)})
		}
	}
	title := strings.TrimSpace(c.Title)
	switch s := aid.(type) {
	case *study.QuizSet:
		add(s.Quiz.Questions, title)
	case *study.ExamSet:
		for _, section := range s.Exam.Sections {
			add(section.Questions, cmp.Or(strings.TrimSpace(section.SectionName), title))
		}
	default:
		return nil, study.Errorf(study.CodeNotFound, "only quizzes and exams can be taken")
	}
	return list, nil
}

// byItem checks the given answers and returns them by the id of their item.
func byItem(questions []asked, given []study.GivenAnswer) (map[string]any, error) {
	known := make(map[string]*study.Question, len(questions))
	for _, q := range questions {
		known[q.ID] = q.Question
	}
	var faults []study.Fault
	answers := make(map[string]any, len(given))
	for i, g := range given[:min(len(given), len(questions)+1)] {
		at := fmt.Sprintf("answers[%d].", i)
		q, there := known[g.ItemID]
		_, again := answers[g.ItemID]
		answers[g.ItemID] = g.Answer
		switch {
		case !there:
			faults = append(faults, study.Fault{Field: at + "item_id", Detail: "must be the id of a question"})
		case again:
			faults = append(faults, study.Fault{Field: at + "item_id", Detail: "must not be repeated"})
		default:
			if detail := wrongType(q, g.Answer); detail != "" {
				faults = append(faults, study.Fault{Field: at + "answer", Detail: detail})
			}
		}
	}
	if len(given) == 0 {
		faults = append(faults, study.Fault{Field: "answers", Detail: "must contain at least one answer"})
	}
	return answers, study.Invalid(faults)
}

// wrongType returns what an answer must be, or "" if its type is right.
func wrongType(q *study.Question, answer any) string {
	switch answer := answer.(type) {
	case nil:
	case string:
		if utf8.RuneCountInString(answer) > MaxAnswerRunes {
			return "must have at most 4000 characters"
		}
	case float64:
	case bool:
		if typeOf(q) != study.TrueFalse {
			return "must be a text"
		}
	default:
		return "must be a text, true or false, or null"
	}
	return ""
}

// typeOf returns how a question is answered.
func typeOf(q *study.Question) string {
	_, isBool := q.CorrectAnswer.(bool)
	switch {
	case isBool:
		return study.TrueFalse
	case len(q.Options) > 0:
		return study.MultipleChoice
	default:
		return study.ShortAnswer
	}
}

// grade grades an answer by rules.
func grade(q asked, answer any) study.GradedAnswer {
	g := study.GradedAnswer{ItemID: q.ID, Type: typeOf(q.Question), Topic: q.topic, Possible: max(q.Points, 1), CheckedBy: study.ByRules, CorrectAnswer: q.CorrectAnswer}
	if said, isText := answer.(string); isText {
		if answer = strings.TrimSpace(said); answer == "" {
			answer = nil
		}
	}
	g.Answer = answer
	switch {
	case g.Type == study.ShortAnswer:
		right := accepted(q.Question)
		if len(right) > 0 {
			g.CorrectAnswer = right[0]
		}
		if n, isNumber := answer.(float64); isNumber {
			g.Answer = fmt.Sprint(n)
		}
		said, _ := g.Answer.(string)
		g.Correct = matches(said, right)
	case answer == nil:
	case g.Type == study.TrueFalse:
		if value, ok := validate.Boolean(answer); ok {
			g.Answer, g.Correct = value, value == q.CorrectAnswer
		}
	default:
		if i := validate.Choice(q.Options, answer); i >= 0 {
			g.Answer = q.Options[i]
			g.Correct = i == validate.Choice(q.Options, q.CorrectAnswer)
		}
	}
	if g.Correct {
		g.Points = g.Possible
	}
	return g
}

// accepted returns the right answers to a short-answer question.
func accepted(q *study.Question) (list []string) {
	correct, _ := q.CorrectAnswer.(string)
	for _, answer := range append([]string{correct, q.SampleAnswer}, q.AcceptableAnswers...) {
		if strings.TrimSpace(answer) != "" {
			list = append(list, answer)
		}
	}
	return list
}
