package study

import (
	"fmt"
	"slices"
)

// ChoiceOptions is the number of options of a multiple-choice question.
const ChoiceOptions = 4

// questions checks a list of questions. Short-answer questions of an exam need a sample answer and a rubric instead of
// acceptable answers.
func (f *faults) questions(path string, list []Question, o Options, exam bool) {
	for i, q := range list {
		f.question(fmt.Sprintf("%s[%d]", path, i), q, o, exam)
	}
	if !exam {
		f.distinct(path, questionTexts(list))
	}
}

func (f *faults) question(at string, q Question, o Options, exam bool) {
	f.text(at+".question", q.Question)
	f.positive(at+".points", q.Points)
	if len(o.QuestionTypes) > 0 {
		f.oneOf(at+".type", q.Type, o.QuestionTypes...)
	}
	f.answer(at, q, exam)
}

// answer checks the fields for the answer that a question of its type needs.
func (f *faults) answer(at string, q Question, exam bool) {
	switch q.Type {
	case MultipleChoice:
		f.choice(at, q)
	case TrueFalse:
		if _, ok := q.CorrectAnswer.(bool); !ok {
			f.add("%s.correct_answer must be true or false", at)
		}
	case ShortAnswer:
		if exam {
			f.text(at+".sample_answer", q.SampleAnswer)
			f.text(at+".rubric", q.Rubric)
			return
		}
		f.some(at+".acceptable_answers", len(q.AcceptableAnswers))
		f.texts(at+".acceptable_answers", q.AcceptableAnswers)
	default:
		f.oneOf(at+".type", q.Type, MultipleChoice, TrueFalse, ShortAnswer)
	}
}

// choice checks the options of a multiple-choice question.
func (f *faults) choice(at string, q Question) {
	if len(q.Options) != ChoiceOptions {
		f.add("%s.options must be %d options, not %d", at, ChoiceOptions, len(q.Options))
	}
	f.texts(at+".options", q.Options)
	f.distinct(at+".options", q.Options)
	if right, ok := q.CorrectAnswer.(string); !ok || !slices.Contains(q.Options, right) {
		f.add("%s.correct_answer must be the text of one of its options", at)
	}
}

func questionTexts(list []Question) []string {
	out := make([]string, len(list))
	for i, q := range list {
		out[i] = q.Question
	}
	return out
}

func sumPoints(list []Question) int {
	sum := 0
	for _, q := range list {
		sum += q.Points
	}
	return sum
}
