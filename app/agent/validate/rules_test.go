package validate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"studysharper/app/study"
)

const material = `Chlorophyll absorbs red and blue light and reflects green light. The light reactions take place in the
thylakoid membranes and make ATP and NADPH. The Calvin cycle fixes carbon dioxide in the stroma with the enzyme RuBisCO.`

func cards(answers ...string) *study.FlashcardSet {
	s := &study.FlashcardSet{}
	for i, a := range answers {
		s.Flashcards = append(s.Flashcards, study.Flashcard{Question: fmt.Sprintf("Question %d?", i), Answer: a, Topic: "t", Difficulty: study.Easy})
	}
	Settle(s, study.Options{})
	return s
}

func TestRulesPassWhatTheMaterialBearsOut(t *testing.T) {
	r := Rules(cards("Chlorophyll absorbs red and blue light", "the thylakoid membranes", "RuBisCO"), study.Brief{Material: material})
	if !r.Passed || r.Accuracy == nil || *r.Accuracy != 1 || r.Quality == nil || *r.Quality != 1 || len(r.Issues) != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestRulesFailWhatTheMaterialDoesNotSay(t *testing.T) {
	r := Rules(cards("Chlorophyll absorbs light", "Napoleon lost at Waterloo"), study.Brief{Material: material})
	if r.Passed || *r.Accuracy > .6 || len(r.Issues) != 1 || r.Issues[0] != "flashcards[1] is not borne out by the material" {
		t.Errorf("got %+v, accuracy %v", r, *r.Accuracy)
	}
}

func TestRulesCheckNoAccuracyWithoutMaterial(t *testing.T) {
	if r := Rules(cards("Napoleon lost at Waterloo"), study.Brief{Material: " \n"}); r.Accuracy != nil || !r.Passed {
		t.Errorf("got %+v", r)
	}
}

func TestRulesLowerTheQuality(t *testing.T) {
	long := strings.Repeat("word ", longestCard+1)
	twice := cards("the same answer every time", "another", "a third", "a fourth")
	twice.Flashcards[1] = twice.Flashcards[0]
	wordy := &study.SummarySet{Summary: study.SummaryBody{MainPoints: []study.MainPoint{{Point: "Light", Details: "is absorbed", Importance: "high"}},
		Text: strings.Repeat("Light is absorbed. ", 100)}}
	Settle(wordy, study.Options{})
	for _, c := range []struct {
		name string
		aid  study.Aid
		want float64
		say  string
	}{
		{"a repeat", twice, .75, "flashcards[1] nearly repeats flashcards[0]"},
		{"a text over the bound", cards(long, "b"), .5, "flashcards[0] has a text that is too long or not readable"},
		{"control characters", cards("a\x07b", "b"), .5, "flashcards[0] has a text that is too long or not readable"},
		{"broken UTF-8", cards("a\ufffdb", "b"), .5, "flashcards[0] has a text that is too long or not readable"},
		{"punctuation only", cards("...", "b"), .75, "flashcards[0] lacks a text"},
		{"a summary longer than its source", wordy, .2, "the summary is longer than its source"},
	} {
		r := Rules(c.aid, study.Brief{Material: material})
		if r.Quality == nil || *r.Quality < c.want-.01 || *r.Quality > c.want+.01 {
			t.Errorf("%s: quality %v, want %v", c.name, *r.Quality, c.want)
		}
		if !strings.Contains(strings.Join(r.Issues, "\n"), c.say) {
			t.Errorf("%s: issues %q do not say %q", c.name, r.Issues, c.say)
		}
	}
	if r := Rules(cards(strings.TrimSpace(strings.Repeat("word ", longestCard))), study.Brief{}); *r.Quality != 1 {
		t.Errorf("a text of just the bound lost quality: %v", *r.Quality)
	}
}

func TestRulesBoundTheIssuesAndQuoteNothing(t *testing.T) {
	var answers []string
	for i := range 30 {
		answers = append(answers, fmt.Sprint("SECRET", i))
	}
	r := Rules(cards(answers...), study.Brief{Material: material})
	if len(r.Issues) != maxIssues {
		t.Errorf("%d issues, want %d", len(r.Issues), maxIssues)
	}
	if strings.Contains(strings.Join(r.Issues, ""), "SECRET") {
		t.Error("the issues quote the aid")
	}
}

func TestRulesLeaveAChatToItsSafety(t *testing.T) {
	r := Rules(&study.Reply{Response: "Napoleon"}, study.Brief{Material: material})
	if !r.Passed || r.Accuracy != nil || r.Quality != nil {
		t.Errorf("got %+v", r)
	}
}

func question(points int) study.Question {
	return study.Question{Type: study.TrueFalse, Question: fmt.Sprint("Is it ", points, "?"), CorrectAnswer: true, Points: points}
}

func examOf(sections ...int) *study.ExamSet {
	s := &study.ExamSet{Exam: study.ExamBody{Title: "t", DurationMinutes: 60, TotalPoints: 100}}
	n := 0
	for i, count := range sections {
		sec := study.ExamSection{SectionName: fmt.Sprint("Part ", i), Instructions: "Answer.", TimeEstimateMinutes: 10}
		for range count {
			n++
			sec.Questions = append(sec.Questions, question(n))
		}
		s.Exam.Sections = append(s.Exam.Sections, sec)
	}
	return s
}

func TestSettleCutsWhatWasNotAskedFor(t *testing.T) {
	for _, c := range []struct {
		sections []int
		asked    int
	}{{[]int{5, 3, 2}, 7}, {[]int{1, 1, 9}, 3}, {[]int{4}, 1}, {[]int{30, 25}, 50}, {[]int{2, 2}, 1}} {
		s := examOf(c.sections...)
		o := study.Options{QuestionCount: c.asked, Sections: min(len(c.sections), c.asked)}
		Settle(s, o)
		if f := s.Check(o); len(f) != 0 || study.Items(s) != c.asked {
			t.Errorf("%v cut to %d: %d questions, faults %q", c.sections, c.asked, study.Items(s), f)
		}
	}
	f := cards("a", "b", "c")
	Settle(f, study.Options{Count: 2})
	if len(f.Flashcards) != 2 || f.TotalCount != 2 {
		t.Errorf("got %+v", f)
	}
	p := &study.PlanSet{Plan: study.PlanBody{Sessions: make([]study.PlanSession, 4)}}
	Settle(p, study.Options{Count: 3})
	if len(p.Plan.Sessions) != 3 {
		t.Errorf("got %d sessions", len(p.Plan.Sessions))
	}
}

func TestSettleLeavesAPointForEveryQuestion(t *testing.T) {
	s := examOf(5)
	for i, points := range []int{1000, 1, 1, 1, 1} {
		s.Exam.Sections[0].Questions[i].Points = points
	}
	Settle(s, study.Options{QuestionCount: 4})
	if f := s.Check(study.Options{}); len(f) != 0 {
		t.Errorf("faults %q", f)
	}
}

func TestSettleSpreadsAnExamsPointsToAHundred(t *testing.T) {
	s := examOf(2, 2) // 1+2+3+4 points
	Settle(s, study.Options{QuestionCount: 4})
	if f := s.Check(study.Options{}); len(f) != 0 || s.Exam.Sections[1].Questions[1].Points != 40 {
		t.Errorf("faults %q, %+v", f, s)
	}
	s = examOf(1, 1)
	s.Exam.TotalPoints, s.Exam.Sections[0].Questions[0].Points = 97, 0
	Settle(s, study.Options{})
	if f := s.Check(study.Options{}); len(f) != 0 {
		t.Errorf("faults %q, %+v", f, s)
	}
	for _, n := range []int{study.ExamPoints, study.ExamPoints + 1} { // a point for each, and one question too many for that
		s = examOf(n)
		Settle(s, study.Options{})
		if f := s.Check(study.Options{}); (len(f) == 0) != (n == study.ExamPoints) {
			t.Errorf("%d questions: faults %q", n, f)
		}
	}
}

func TestSettleDerivesCountsAndReadsWordsAsBooleans(t *testing.T) {
	q := &study.QuizSet{Quiz: study.QuizBody{Title: "t", Questions: []study.Question{
		{Type: study.TrueFalse, Question: "a", CorrectAnswer: " False", Options: []string{"True", "False"}, Points: 5},
		{Type: study.ShortAnswer, Question: "b", AcceptableAnswers: []string{"x"}, Points: 10},
	}}, TotalPoints: 99}
	Settle(q, study.Options{})
	if f := q.Check(study.Options{}); len(f) != 0 || q.TotalPoints != 15 || q.EstimatedTimeMinutes != 3 || q.Quiz.Questions[0].CorrectAnswer != false {
		t.Errorf("faults %q, %+v", f, q)
	}
	s := &study.SummarySet{Summary: study.SummaryBody{Text: strings.Repeat("word ", 401)}, WordCount: 7}
	Settle(s, study.Options{})
	if s.WordCount != 401 || s.EstimatedReadingTimeMinutes != 3 {
		t.Errorf("got %d words, %d minutes", s.WordCount, s.EstimatedReadingTimeMinutes)
	}
}

func TestSettleLeavesNoListNull(t *testing.T) {
	for _, typ := range study.Types() {
		if typ == study.Quiz || typ == study.Exam || typ == study.Chat || typ == study.Plan {
			continue // an empty one is a fault that Check names
		}
		a := study.NewAid(typ)
		Settle(a, study.Options{})
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(raw); strings.Contains(strings.ReplaceAll(got, `"main_points":null`, ""), "null") {
			t.Errorf("%s: %s", typ, got)
		}
	}
}

func TestSettleTwiceIsSettleOnce(t *testing.T) {
	o := study.Options{QuestionCount: 5}
	s := examOf(5, 3)
	Settle(s, o)
	once := examOf(5, 3)
	Settle(once, o)
	Settle(s, o)
	if !reflect.DeepEqual(s, once) {
		t.Errorf("got %+v, then %+v", once, s)
	}
}
