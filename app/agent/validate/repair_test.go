package validate

import (
	"reflect"
	"testing"

	"studysharper/app/study"
)

var bare = []string{"The stroma", "The thylakoid", "A pigment", "Water"}

func TestTheOptionThatIsMeantIsFound(t *testing.T) {
	lettered := []string{"A) The stroma", "B) The thylakoid", "C) A pigment", "D) Water"}
	for _, c := range []struct {
		options []string
		answer  any
		want    any
	}{
		{bare, "The stroma", "The stroma"},
		{bare, "the  stroma.", "The stroma"},
		{bare, "B", "The thylakoid"},
		{bare, "b)", "The thylakoid"},
		{bare, "(B)", "The thylakoid"},
		{bare, "Option C", "A pigment"},
		{bare, "A", "The stroma"},
		{bare, "B) The thylakoid", "The thylakoid"},
		{bare, "A: the stroma", "The stroma"},
		{bare, "B) The stroma", "B) The stroma"}, // the letter and the text differ
		{bare, 3.0, "Water"},
		{bare, 0.0, "The stroma"},
		{bare, 4.0, 4.0},
		{bare, 1.5, 1.5},
		{bare, -1.0, -1.0},
		{bare, "walls", "walls"},
		{bare, nil, nil},
		{lettered, "A", "The stroma"},
		{lettered, "A) The stroma", "The stroma"},
		{lettered, "The thylakoid", "The thylakoid"},
		{lettered, "the thylakoid.", "The thylakoid"},
		{[]string{"a", "b", "C", "d"}, "c", "C"},
		{[]string{"x", "X", "y", "z"}, "x.", "x."}, // two options match
		{[]string{"b", "a", "d", "c"}, "a", "a"},   // text takes precedence over the letter
	} {
		q := study.Question{Type: study.MultipleChoice, Options: append([]string{}, c.options...), CorrectAnswer: c.answer}
		repairQuestion(&q, false)
		if q.CorrectAnswer != c.want {
			t.Errorf("%v of %q is %v, want %v", c.answer, c.options, q.CorrectAnswer, c.want)
		}
	}
	five := study.Question{Type: study.MultipleChoice, Options: []string{"x", "y", "Y.", "z", "w", "v"}, CorrectAnswer: "v"}
	if repairQuestion(&five, false); !reflect.DeepEqual(five.Options, []string{"x", "y", "z", "v"}) || five.CorrectAnswer != "v" {
		t.Errorf("of six options stay %q", five.Options)
	}
	q := study.Question{Type: "MCQ", Options: lettered, CorrectAnswer: "D"}
	if repairQuestion(&q, false); !reflect.DeepEqual(q.Options, bare) || q.CorrectAnswer != "Water" || q.Points != 10 {
		t.Errorf("got %+v", q)
	}
}

func TestQuestionsWrittenInOtherWaysAreRepaired(t *testing.T) {
	for name, c := range map[string]struct {
		q    study.Question
		exam bool
		want study.Question
	}{
		"true as a word":           {study.Question{Type: "True/False", CorrectAnswer: "True.", Points: 3}, false, study.Question{Type: study.TrueFalse, CorrectAnswer: true, Points: 3}},
		"true as a number":         {study.Question{Type: "boolean", CorrectAnswer: 0.0}, false, study.Question{Type: study.TrueFalse, CorrectAnswer: false, Points: 5}},
		"neither true nor false":   {study.Question{Type: "true-false", CorrectAnswer: "perhaps"}, false, study.Question{Type: study.TrueFalse, CorrectAnswer: "perhaps", Points: 5}},
		"another field, quiz":      {study.Question{Type: "Short Answer", CorrectAnswer: "green"}, false, study.Question{Type: study.ShortAnswer, AcceptableAnswers: []string{"green"}, Points: 10}},
		"a number, quiz":           {study.Question{Type: "short", CorrectAnswer: 6.5}, false, study.Question{Type: study.ShortAnswer, AcceptableAnswers: []string{"6.5"}, Points: 10}},
		"another field, exam":      {study.Question{Type: "open", CorrectAnswer: "green"}, true, study.Question{Type: study.ShortAnswer, SampleAnswer: "green", Rubric: "Full points for: green", Points: 10}},
		"acceptable answers, exam": {study.Question{Type: "essay", AcceptableAnswers: []string{"green"}, Rubric: "r"}, true, study.Question{Type: study.ShortAnswer, AcceptableAnswers: []string{"green"}, SampleAnswer: "green", Rubric: "r", Points: 10}},
		"true or false as options": {study.Question{Type: "mc", Options: []string{"True", "False"}, CorrectAnswer: "False"}, false, study.Question{Type: study.TrueFalse, CorrectAnswer: false, Points: 5}},
		"no type, options":         {study.Question{Options: bare, CorrectAnswer: 0.0}, false, study.Question{Type: study.MultipleChoice, Options: bare, CorrectAnswer: "The stroma", Points: 10}},
		"no type, a boolean":       {study.Question{CorrectAnswer: true}, false, study.Question{Type: study.TrueFalse, CorrectAnswer: true, Points: 5}},
		"no answer at all":         {study.Question{Type: "short_answer"}, true, study.Question{Type: study.ShortAnswer, Points: 10}},
		"an unknown type":          {study.Question{Type: "riddle", CorrectAnswer: "x"}, false, study.Question{Type: study.ShortAnswer, AcceptableAnswers: []string{"x"}, Points: 10}},
	} {
		if repairQuestion(&c.q, c.exam); !reflect.DeepEqual(c.q, c.want) {
			t.Errorf("%s: %+v, want %+v", name, c.q, c.want)
		}
		again := c.q
		if repairQuestion(&again, c.exam); !reflect.DeepEqual(again, c.q) {
			t.Errorf("%s: repaired twice it is %+v", name, again)
		}
	}
}
