package attempt

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"studysharper/app/study"
)

func content(t *testing.T, aid study.Aid) study.Content {
	t.Helper()
	data, err := json.Marshal(aid)
	if err != nil {
		t.Fatal(err)
	}
	return study.Content{ID: "c", UserID: "ada", Type: aid.Type(), Title: "Cells", Data: data}
}

func origin(id string, source *study.Source) study.Origin {
	return study.Origin{ID: id, Source: source}
}

var quiz = &study.QuizSet{Quiz: study.QuizBody{Questions: []study.Question{
	{Type: study.MultipleChoice, Question: "Which?", Options: []string{"Golgi", "Nucleus", "Ribosome", "3"}, CorrectAnswer: "Nucleus", Points: 10, Origin: origin("mc", &study.Source{Section: "Parts"})},
	{Type: study.TrueFalse, Question: "Is it?", CorrectAnswer: false, Points: 5, Origin: origin("tf", &study.Source{Title: "My note"})},
	{Type: study.ShortAnswer, Question: "Where?", AcceptableAnswers: []string{"Mitochondria", "the mitochondrion"}, Points: 10, Origin: origin("sa", nil)},
	{Type: study.ShortAnswer, Question: "How many?", CorrectAnswer: "1 000", Origin: origin("num", nil)},
}}}

func given(pairs ...any) (list []study.GivenAnswer) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, study.GivenAnswer{ItemID: pairs[i].(string), Answer: pairs[i+1]})
	}
	return list
}

func TestAnswersAreGraded(t *testing.T) {
	for _, c := range []struct {
		item    string
		answer  any
		correct bool
		kept    any
	}{
		{"mc", "Nucleus", true, "Nucleus"},
		{"mc", " nucleus.", true, "Nucleus"},
		{"mc", "B", true, "Nucleus"},
		{"mc", "b) Nucleus", true, "Nucleus"},
		{"mc", 1.0, true, "Nucleus"},
		{"mc", "3", false, "3"}, // the text of an option takes precedence over an index
		{"mc", "Golgi", false, "Golgi"},
		{"mc", "Something else", false, "Something else"},
		{"mc", nil, false, nil},
		{"mc", "  ", false, nil},
		{"tf", false, true, false},
		{"tf", "False", true, false},
		{"tf", "no", true, false},
		{"tf", true, false, true},
		{"tf", "perhaps", false, "perhaps"},
		{"tf", nil, false, nil},
		{"sa", "mitochondrion", true, "mitochondrion"},
		{"sa", "in the mitochondria", false, "in the mitochondria"},
		{"sa", "", false, nil},
		{"num", "1,000", true, "1,000"},
		{"num", 1000.0, true, "1000"},
	} {
		a, open, err := Grade(content(t, quiz), given(c.item, c.answer))
		if err != nil {
			t.Fatal(err)
		}
		g := a.Answers[0]
		if g.Correct != c.correct || g.Answer != c.kept || g.CheckedBy != study.ByRules || (g.Points == g.Possible) != c.correct || (len(a.Wrong) == 0) != c.correct {
			t.Errorf("%s %v: %+v", c.item, c.answer, g)
		}
		if asks := g.Type == study.ShortAnswer && !c.correct && c.kept != nil; (len(open) == 1) != asks {
			t.Errorf("%s %v: open are %v", c.item, c.answer, open)
		}
	}
}

func TestAnAttemptIsOfTheQuestionsThatAreAnswered(t *testing.T) {
	a, open, err := Grade(content(t, quiz), given("sa", "in the cell", "mc", "Golgi", "tf", false))
	if err != nil {
		t.Fatal(err)
	}
	if a.Points != 5 || a.TotalPoints != 25 || !slices.Equal(a.Wrong, []string{"mc", "sa"}) || a.ContentID != "c" || a.UserID != "ada" || len(a.Answers) != 3 {
		t.Errorf("%+v", a)
	}
	if want := "map[Cells:{0 10} My note:{5 5} Parts:{0 10}]"; fmt.Sprint(a.Topics) != want {
		t.Errorf("topics %v", a.Topics)
	}
	if len(open) != 1 || open[0].Question != "Where?" || open[0].Answer != "in the cell" || !slices.Equal(open[0].Accepted, []string{"Mitochondria", "the mitochondrion"}) {
		t.Errorf("open %+v", open)
	}
	if a.Answers[2].CorrectAnswer != "Mitochondria" || a.Answers[1].CorrectAnswer != false {
		t.Errorf("%+v", a.Answers)
	}
}

func TestAnExamHasTheTopicsOfItsSections(t *testing.T) {
	long := strings.Repeat("é", maxTopicRunes+1)
	exam := &study.ExamSet{Exam: study.ExamBody{Sections: []study.ExamSection{
		{SectionName: "Part A", Questions: []study.Question{{Question: "Why?", SampleAnswer: "So.", Rubric: "All.", Points: 60, Origin: origin("a", nil)}}},
		{Questions: []study.Question{{Question: "Why not?", SampleAnswer: "So.", Points: 40, Origin: origin("b", nil)}}},
		{SectionName: long, Questions: []study.Question{{Question: "And?", SampleAnswer: "So.", Points: 40, Origin: origin("c", nil)}}},
	}}}
	a, open, err := Grade(content(t, exam), given("a", "Because", "b", "so", "c", nil))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(a.Topics) != "map[Cells:{40 40} Part A:{0 60} "+long[:2*maxTopicRunes]+":{0 40}]" || len(open) != 1 || open[0].Rubric != "All." {
		t.Errorf("%v, open %v", a.Topics, open)
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	for field, list := range map[string][]study.GivenAnswer{
		"answers":            nil,
		"answers[0].item_id": given("nothing", "x"),
		"answers[1].item_id": given("mc", "Golgi", "mc", "Golgi"),
		"answers[0].answer":  given("sa", strings.Repeat("é", MaxAnswerRunes+1)),
		"answers[1].answer":  given("mc", nil, "tf", []any{true}),
		"answers[2].answer":  given("mc", nil, "tf", nil, "sa", true),
	} {
		_, _, err := Grade(content(t, quiz), list)
		if !study.IsCode(err, study.CodeInvalid) || study.AsError(err).Faults[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, _, err := Grade(content(t, quiz), given("sa", strings.Repeat("é", MaxAnswerRunes))); err != nil {
		t.Errorf("the longest answer: %v", err)
	}
	if _, _, err := Grade(content(t, &study.PlanSet{}), given("mc", nil)); !study.IsCode(err, study.CodeNotFound) {
		t.Errorf("a plan: %v", err)
	}
}

func TestTheStudentHasTheLastWordOnShortAnswers(t *testing.T) {
	a, _, err := Grade(content(t, quiz), given("mc", "Golgi", "sa", "in the mitochondria"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Overrule(&a, "sa", true); err != nil {
		t.Fatal(err)
	}
	if a.Points != 10 || !slices.Equal(a.Wrong, []string{"mc"}) || a.Answers[1].CheckedBy != study.ByStudent || a.Topics["Cells"] != (study.TopicPoints{Points: 10, Possible: 10}) {
		t.Errorf("%+v", a)
	}
	if err := Overrule(&a, "sa", false); err != nil || a.Points != 0 || len(a.Wrong) != 2 {
		t.Errorf("%v %+v", err, a)
	}
	for _, item := range []string{"mc", "tf", "nothing"} {
		if err := Overrule(&a, item, true); !study.IsCode(err, study.CodeInvalid) {
			t.Errorf("%s: %v", item, err)
		}
	}
}

func TestWeakTopicsAreTheWorstFirst(t *testing.T) {
	of := func(points, possible int) study.TopicPoints {
		return study.TopicPoints{Points: points, Possible: possible}
	}
	got := study.WeakTopics([]map[string]study.TopicPoints{
		{"good": of(7, 10), "weak": of(6, 10), "worst": of(0, 5), "unknown": of(0, 0)},
		{"weak": of(0, 5), "b": of(1, 2), "a": of(1, 2), "d": of(2, 4), "e": of(2, 3)},
	})
	if !slices.Equal(got, []string{"worst", "weak", "d", "a", "b"}) {
		t.Errorf("%q", got)
	}
	if got := study.WeakTopics(nil); got == nil || len(got) > 0 {
		t.Errorf("%v", got)
	}
}

func BenchmarkGrade(b *testing.B) {
	data, err := json.Marshal(quiz)
	if err != nil {
		b.Fatal(err)
	}
	c := study.Content{Type: study.Quiz, Title: "Cells", Data: data}
	answers := given("mc", "Nucleus", "tf", true, "sa", "somewhere in the inner membranes of the cell", "num", "1,000")
	for b.Loop() {
		if _, _, err := Grade(c, answers); err != nil {
			b.Fatal(err)
		}
	}
}
