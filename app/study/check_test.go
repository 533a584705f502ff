package study

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func card(q string) Flashcard {
	return Flashcard{Question: q, Answer: "an answer", Topic: "a topic", Difficulty: Easy}
}

func choiceQuestion() Question {
	return Question{Type: MultipleChoice, Question: "Which?", Options: []string{"a", "b", "c", "d"},
		CorrectAnswer: "b", Points: 10}
}

func goodQuiz() *QuizSet {
	return &QuizSet{TotalPoints: 30, EstimatedTimeMinutes: 3, Quiz: QuizBody{Title: "t", Questions: []Question{
		choiceQuestion(),
		{Type: TrueFalse, Question: "Is it?", CorrectAnswer: false, Points: 10},
		{Type: ShortAnswer, Question: "What?", AcceptableAnswers: []string{"this"}, Points: 10},
	}}}
}

func goodExam() *ExamSet {
	first, second := choiceQuestion(), Question{Type: ShortAnswer, Question: "Why?", SampleAnswer: "because",
		Rubric: "names the cause", Points: 60}
	first.Points = 40
	return &ExamSet{Exam: ExamBody{Title: "t", DurationMinutes: 60, TotalPoints: 100, Sections: []ExamSection{
		{SectionName: "A", Instructions: "Answer.", TimeEstimateMinutes: 30, Questions: []Question{first}},
		{SectionName: "B", Instructions: "Answer.", TimeEstimateMinutes: 30, Questions: []Question{second}},
	}}}
}

func goodSummary() *SummarySet {
	return &SummarySet{WordCount: 10, EstimatedReadingTimeMinutes: 1, Summary: SummaryBody{Title: "t",
		MainPoints: []MainPoint{{Point: "p", Importance: "high"}, {Point: "q", Importance: "low"}},
		KeyTerms:   []KeyTerm{{Term: "t", Definition: "d"}}}}
}

func goodPlan() *PlanSet {
	return &PlanSet{Plan: PlanBody{Title: "t", Sessions: []PlanSession{
		{Day: 1, Topic: "a", Activities: []string{"read"}, Minutes: 30},
		{Day: 1, Topic: "b", Activities: []string{"read"}, Minutes: 30},
		{Day: 3, Topic: "c", Activities: []string{"read"}, Minutes: 30}}}}
}

func goodAnalysis() *AnalysisSet {
	return &AnalysisSet{Analysis: AnalysisBody{Strengths: []string{"s"}, KeyConcepts: []string{"k"}, Suggestions: []string{"x"}}}
}

func goodCards() *FlashcardSet {
	return &FlashcardSet{Flashcards: []Flashcard{card("one"), card("two")}, TotalCount: 2, TopicsCovered: []string{"a topic"}}
}

func TestCheckPassesWhatIsWhole(t *testing.T) {
	o := Options{QuestionTypes: []string{MultipleChoice, TrueFalse, ShortAnswer}, DurationMinutes: 60, Sections: 2}
	for _, a := range []Aid{&Reply{Response: "hello"}, goodCards(), goodQuiz(), goodExam(), goodSummary(), goodAnalysis(), goodPlan()} {
		if f := a.Check(o); len(f) != 0 {
			t.Errorf("%s: %q", a.Type(), f)
		}
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		again := NewAid(a.Type())
		if err := json.Unmarshal(raw, again); err != nil {
			t.Fatal(err)
		}
		if f := again.Check(o); len(f) != 0 {
			t.Errorf("%s after a round trip through JSON: %q", a.Type(), f)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		aid  func() Aid
		o    Options
		want string
	}{
		{"an empty reply", func() Aid { return &Reply{Response: " \n"} }, Options{}, "response is empty"},
		{"no cards", func() Aid { return &FlashcardSet{} }, Options{}, "flashcards is empty"},
		{"cards alike but for case", func() Aid {
			return &FlashcardSet{TotalCount: 2, Flashcards: []Flashcard{card("What is  it?"), card("what is it?")}}
		}, Options{}, "flashcards[1] repeats flashcards[0]"},
		{"a card without answer", func() Aid { s := goodCards(); s.Flashcards[1].Answer = ""; return s }, Options{}, "flashcards[1].answer is empty"},
		{"an unknown difficulty", func() Aid { s := goodCards(); s.Flashcards[0].Difficulty = "adaptive"; return s }, Options{}, "flashcards[0].difficulty must be one of easy, medium, hard"},
		{"a wrong total", func() Aid { s := goodCards(); s.TotalCount = 3; return s }, Options{}, "total_count must be the number of flashcards"},
		{"three options", func() Aid { s := goodQuiz(); s.Quiz.Questions[0].Options = []string{"a", "b", "c"}; return s }, Options{}, "quiz.questions[0].options must be 4 options, not 3"},
		{"five options", func() Aid {
			s := goodQuiz()
			s.Quiz.Questions[0].Options = []string{"a", "b", "c", "d", "e"}
			return s
		}, Options{}, "quiz.questions[0].options must be 4 options, not 5"},
		{"a blank option", func() Aid {
			s := goodQuiz()
			s.Quiz.Questions[0].Options = []string{"a", "b", "c", " "}
			return s
		}, Options{}, "quiz.questions[0].options[3] is empty"},
		{"an option twice", func() Aid {
			s := goodQuiz()
			s.Quiz.Questions[0].Options = []string{"a", "b", "c", "A "}
			return s
		}, Options{}, "quiz.questions[0].options[3] repeats quiz.questions[0].options[0]"},
		{"a right answer that is not an option", func() Aid { s := goodQuiz(); s.Quiz.Questions[0].CorrectAnswer = "e"; return s }, Options{}, "quiz.questions[0].correct_answer must be the text of one of its options"},
		{"a right answer that is an index", func() Aid { s := goodQuiz(); s.Quiz.Questions[0].CorrectAnswer = 1; return s }, Options{}, "quiz.questions[0].correct_answer must be the text of one of its options"},
		{"true_false answered in words", func() Aid { s := goodQuiz(); s.Quiz.Questions[1].CorrectAnswer = "false"; return s }, Options{}, "quiz.questions[1].correct_answer must be true or false"},
		{"a short answer nobody can give", func() Aid { s := goodQuiz(); s.Quiz.Questions[2].AcceptableAnswers = nil; return s }, Options{}, "quiz.questions[2].acceptable_answers is empty"},
		{"a type not asked for", func() Aid { return goodQuiz() }, Options{QuestionTypes: []string{TrueFalse}}, "quiz.questions[0].type must be one of true_false"},
		{"an unknown type", func() Aid { s := goodQuiz(); s.Quiz.Questions[0].Type = "essay"; return s }, Options{}, "quiz.questions[0].type must be one of multiple_choice, true_false, short_answer"},
		{"no points", func() Aid { s := goodQuiz(); s.Quiz.Questions[0].Points = 0; return s }, Options{}, "quiz.questions[0].points must be a whole number above 0"},
		{"wrong sum of points", func() Aid { s := goodQuiz(); s.TotalPoints = 31; return s }, Options{}, "total_points must be the sum of the questions' points"},
		{"an exam of 99 points", func() Aid { s := goodExam(); s.Exam.Sections[0].Questions[0].Points = 39; return s }, Options{}, "the questions' points must add up to 100, not 99"},
		{"an exam of 101 points", func() Aid { s := goodExam(); s.Exam.Sections[0].Questions[0].Points = 41; return s }, Options{}, "the questions' points must add up to 100, not 101"},
		{"an exam question for nothing", func() Aid {
			s := goodExam()
			s.Exam.Sections[0].Questions[0].Points, s.Exam.Sections[1].Questions[0].Points = 0, 100
			return s
		}, Options{}, "exam.sections[0].questions[0].points must be a whole number above 0"},
		{"too few sections", func() Aid {
			s := goodExam()
			s.Exam.Sections[0].Questions = append(s.Exam.Sections[0].Questions, Question{Type: TrueFalse, Question: "Is it?", CorrectAnswer: true, Points: 1})
			return s
		}, Options{Sections: 3}, "exam.sections must be 3 sections, not 2"},
		{"an exam that says 90", func() Aid { s := goodExam(); s.Exam.TotalPoints = 90; return s }, Options{}, "exam.total_points must be 100"},
		{"too many sections", func() Aid { return goodExam() }, Options{Sections: 1}, "exam.sections must be 1 sections, not 2"},
		{"another duration", func() Aid { return goodExam() }, Options{DurationMinutes: 45}, "exam.duration_minutes must be 45"},
		{"an exam question twice, in two sections", func() Aid { s := goodExam(); s.Exam.Sections[1].Questions[0].Question = "WHICH?"; return s }, Options{}, "questions[1] repeats questions[0]"},
		{"no rubric", func() Aid { s := goodExam(); s.Exam.Sections[1].Questions[0].Rubric = ""; return s }, Options{}, "exam.sections[1].questions[0].rubric is empty"},
		{"an empty point", func() Aid { s := goodSummary(); s.Summary.MainPoints[1].Point = ""; return s }, Options{}, "summary.main_points[1].point is empty"},
		{"an unknown importance", func() Aid { s := goodSummary(); s.Summary.MainPoints[1].Importance = "vital"; return s }, Options{}, "summary.main_points[1].importance must be one of high, medium, low"},
		{"a term without definition", func() Aid { s := goodSummary(); s.Summary.KeyTerms[0].Definition = ""; return s }, Options{}, "summary.key_terms[0].definition is empty"},
		{"an analysis of nothing", func() Aid { return &AnalysisSet{} }, Options{}, "analysis.strengths and analysis.gaps together is empty"},
		{"a blank suggestion", func() Aid { s := goodAnalysis(); s.Analysis.Suggestions[0] = " "; return s }, Options{}, "analysis.suggestions[0] is empty"},
		{"day 0", func() Aid { s := goodPlan(); s.Plan.Sessions[0].Day = 0; return s }, Options{}, "plan.sessions[0].day must count up from 1"},
		{"a day back", func() Aid { s := goodPlan(); s.Plan.Sessions[0].Day = 2; return s }, Options{}, "plan.sessions[1].day must count up from 1"},
		{"nothing to do", func() Aid { s := goodPlan(); s.Plan.Sessions[2].Activities = nil; return s }, Options{}, "plan.sessions[2].activities is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.aid().Check(c.o); !slices.Contains(got, c.want) {
				t.Errorf("got %q, want it to name %q", got, c.want)
			}
		})
	}
}

// mayBeEmpty are the optional fields of an aid.
var mayBeEmpty = []string{"explanation", "details", "text"}

func TestCheckFindsEveryFieldThatIsEmpty(t *testing.T) {
	for _, a := range []Aid{&Reply{Response: "hello"}, goodCards(), goodQuiz(), goodExam(), goodSummary(), goodAnalysis(), goodPlan()} {
		for path, spoiled := range emptied(t, a) {
			last := path[strings.LastIndex(path, ".")+1:]
			if !slices.Contains(mayBeEmpty, last) && len(spoiled.Check(Options{})) == 0 {
				t.Errorf("%s: no check requires %s", a.Type(), path)
			}
		}
	}
}

// emptied returns copies of the aid, one for each of its texts, with that text blank.
func emptied(t *testing.T, a Aid) map[string]Aid {
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var whole any
	if err := json.Unmarshal(raw, &whole); err != nil {
		t.Fatal(err)
	}
	copies := make(map[string]Aid)
	blank := func(path string) {
		raw, _ := json.Marshal(whole)
		spoiled := NewAid(a.Type())
		if err := json.Unmarshal(raw, spoiled); err != nil {
			t.Fatal(path, err)
		}
		copies[path] = spoiled
	}
	var walk func(path string, node any, set func(any))
	walk = func(path string, node any, set func(any)) {
		switch v := node.(type) {
		case map[string]any:
			for name, inner := range v {
				walk(path+"."+name, inner, func(x any) { v[name] = x })
			}
		case []any:
			for i, inner := range v {
				walk(path, inner, func(x any) { v[i] = x })
			}
		case string:
			set(" ")
			blank(path)
			set(v)
		}
	}
	walk(string(a.Type()), whole, nil)
	return copies
}

func TestCheckNeverQuotesTheAid(t *testing.T) {
	q := Question{Type: "SECRET", Question: "SECRET", Options: []string{"SECRET", "SECRET"}, CorrectAnswer: "SECRETS"}
	s := &QuizSet{Quiz: QuizBody{Questions: []Question{q, q}}}
	if got := strings.Join(s.Check(Options{}), "\n"); got == "" || strings.Contains(got, "SECRET") {
		t.Errorf("faults quote the aid, or there are no faults: %s", got)
	}
}

func TestShortfallCountsWhatWasAskedFor(t *testing.T) {
	for _, c := range []struct {
		aid  Aid
		o    Options
		want int
	}{
		{goodCards(), Options{Count: 5}, 3},
		{goodCards(), Options{Count: 2}, 0},
		{goodCards(), Options{Count: 1}, -1},
		{goodCards(), Options{}, 0},
		{goodQuiz(), Options{QuestionCount: 4}, 1},
		{goodExam(), Options{QuestionCount: 10, Count: 2}, 8},
		{goodPlan(), Options{Count: 4}, 1},
		{goodSummary(), Options{Count: 4, QuestionCount: 4}, 0},
		{&Reply{}, Options{Count: 4}, 0},
	} {
		if got := Shortfall(c.aid, c.o); got != c.want {
			t.Errorf("%s asked %+v: got %d, want %d", c.aid.Type(), c.o, got, c.want)
		}
	}
}

func TestItemsThatSayTheSameHaveOneKey(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b any
		same bool
	}{
		{"cards", Flashcard{Question: "What is  ATP?", Answer: "a"}, Flashcard{Question: " what is atp?", Answer: "b"}, true},
		{"questions", Question{Question: "Why?"}, Question{Question: "How?"}, false},
		{"points", MainPoint{Point: "It rains."}, MainPoint{Point: "it rains."}, true},
		{"sessions of two days", PlanSession{Day: 1, Topic: "ATP"}, PlanSession{Day: 2, Topic: "ATP"}, false},
		{"sessions of a day", PlanSession{Day: 1, Topic: "ATP"}, PlanSession{Day: 1, Topic: "atp"}, true},
	} {
		if a, b := (Item{Item: c.a}).Key(), (Item{Item: c.b}).Key(); (a == b) != c.same || a == "" {
			t.Errorf("%s: keys %q and %q", c.name, a, b)
		}
	}
}
