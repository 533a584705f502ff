package validate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
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

func quoted(quote string) study.Origin {
	if quote == "" {
		return study.Origin{}
	}
	return study.Origin{Source: &study.Source{Quote: quote}}
}

func check(a study.Aid, b study.Brief) Report { return Rules(a, b, NewSources(b)) }

func quoting(quotes ...string) *study.FlashcardSet {
	s := cards(make([]string, 0)...)
	for i, q := range quotes {
		s.Flashcards = append(s.Flashcards, study.Flashcard{Question: fmt.Sprintf("Question %d?", i), Answer: fmt.Sprintf("Answer %d", i),
			Topic: "t", Difficulty: study.Easy, Origin: quoted(q)})
	}
	Settle(s, study.Options{})
	return s
}

func TestEvidenceIsLookedUpInTheMaterial(t *testing.T) {
	for _, c := range []struct {
		name   string
		quote  string
		found  string
		passes bool // alone
	}{
		{"verbatim", "reflects green light", "reflects green light", true},
		{"over a line end, in other case", "In the Thylakoid membranes and make ATP", "in the\nthylakoid membranes and make ATP", true},
		{"shortened", "light reactions … make ATP and NADPH", "make ATP and NADPH", true},
		{"most of its words", "the enzyme RuBisCO fixes carbon dioxide", "", true},
		{"other words", "Napoleon lost the battle of Waterloo", "", false},
		{"one word", "Waterloo", "", true},
		{"none", "", "", true},
	} {
		s := quoting("Chlorophyll absorbs red", c.quote)
		r := check(s, study.Brief{Material: material})
		if !r.Passed || len(s.Flashcards) != 2 || !r.Quoted || s.Flashcards[0].Source.Start != 0 || s.Flashcards[0].Source.End != 23 {
			t.Errorf("%s: %+v, %+v", c.name, r, s.Flashcards)
		}
		if o := s.Flashcards[1].Origin; o.Unverified != (c.found == "") || (o.Source != nil) != (c.found != "") || o.Source != nil && o.Source.Quote != c.found {
			t.Errorf("%s: %+v %+v", c.name, o, o.Source)
		}
		alone := quoting(c.quote)
		if r := check(alone, study.Brief{Material: material}); r.Passed != c.passes || r.Quoted != (c.found != "") || len(alone.Flashcards) != 1 {
			t.Errorf("%s alone: %+v", c.name, r)
		}
	}
}

func TestASourceNamesItsNoteSectionAndPage(t *testing.T) {
	own := "Ähm. A cell wall is stiff.\n"
	note := "Intro without a heading.\n\n<!-- page 11 -->\n# Cells\n\nA cell is small.\n\n<!-- page 12 -->\n## The *wall* ##\n\nPlants have a\nwall. #hash is no heading.\nIt is made of cellulose."
	from := NewSources(study.Brief{Documents: []study.Document{{Text: own}, {NoteID: "n1", Title: "Biology", Text: note}}})
	for quote, want := range map[string]study.Source{
		"a cell wall is stiff.":    {Quote: "A cell wall is stiff.", Start: 5, End: 26},
		"Intro without a heading":  {NoteID: "n1", Title: "Biology", Quote: "Intro without a heading", Start: 0, End: 23},
		"a cell is small":          {NoteID: "n1", Title: "Biology", Section: "Cells", Page: 11, Quote: "A cell is small", Start: 52, End: 67},
		"plants have a wall":       {NoteID: "n1", Title: "Biology", Section: "The *wall*", Page: 12, Quote: "Plants have a\nwall", Start: 105, End: 123},
		"It is made of cellulose.": {NoteID: "n1", Title: "Biology", Section: "The *wall*", Page: 12, Quote: "It is made of cellulose.", Start: 146, End: 170},
	} {
		got := from.Locate(quote)
		if given := map[string]string{"": "Am. A cell wall is stiff.\n", "n1": note}[want.NoteID]; got == nil || *got != want || want.NoteID != "" && given[want.Start:want.End] != want.Quote {
			t.Errorf("%q: %+v", quote, got)
		}
	}
	if got := from.Locate("A cell is large"); got != nil {
		t.Errorf("found %+v", got)
	}
}

func TestAnswersWithoutEvidencePass(t *testing.T) {
	for name, aid := range map[string]study.Aid{
		"in its own words":    cards("The pigment throws back the green part of what shines on it"),
		"in another language": cards("Das Chlorophyll wirft grünes Licht zurück"),
	} {
		if r := check(aid, study.Brief{Material: material}); !r.Passed || r.Quoted || len(r.Faults)+len(r.Issues) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := check(quoting("Napoleon lost at Waterloo"), study.Brief{Material: " \n"}); !r.Passed || r.Quoted {
		t.Errorf("without material: %+v", r)
	}
}

func TestEveryKindOfItemIsCited(t *testing.T) {
	q := study.Question{Type: study.TrueFalse, Question: "q", CorrectAnswer: true, Points: 1, Origin: quoted("reflects GREEN light")}
	for _, a := range []study.Aid{
		quoting("reflects GREEN light"),
		&study.QuizSet{Quiz: study.QuizBody{Title: "t", Questions: []study.Question{q}}},
		&study.ExamSet{Exam: study.ExamBody{Title: "t", Sections: []study.ExamSection{{SectionName: "s", Instructions: "i", Questions: []study.Question{q}}}}},
		&study.SummarySet{Summary: study.SummaryBody{Title: "t", MainPoints: []study.MainPoint{{Point: "p", Origin: quoted("reflects GREEN light")}},
			KeyTerms: []study.KeyTerm{{Term: "t", Definition: "d", Origin: quoted("reflects GREEN light")}}}},
	} {
		check(a, study.Brief{Material: material})
		study.Identify(a)
		for _, it := range items(a) {
			if o := it.origin; o.ID == "" || o.Unverified || o.Source == nil || o.Source.Quote != "reflects green light" {
				t.Errorf("%T: %+v", a, o)
			}
		}
	}
}

func TestRulesRemoveWhatCannotBeRead(t *testing.T) {
	long := strings.Repeat("word ", longestCard+1)
	for name, answer := range map[string]string{"a text over the bound": long, "control characters": "a\x07b", "broken UTF-8": "a\ufffdb", "punctuation only": "..."} {
		s := cards(answer, "b")
		r := check(s, study.Brief{Material: material})
		if !r.Passed || len(s.Flashcards) != 1 || s.Flashcards[0].Answer != "b" || len(r.Faults) != 1 {
			t.Errorf("%s: %+v, %+v", name, r, s)
		}
	}
	for name, answer := range map[string]string{"a text of just the bound": strings.TrimSpace(strings.Repeat("word ", longestCard)), "a symbol": "+", "a minus": "-"} {
		if s := cards(answer); len(s.Flashcards) != 1 || !check(s, study.Brief{}).Passed || len(s.Flashcards) != 1 {
			t.Errorf("%s was removed", name)
		}
	}
}

func TestRulesNameWhatMayBeWrong(t *testing.T) {
	twice := cards("the same answer every time", "another", "a third", "a fourth")
	twice.Flashcards[1] = twice.Flashcards[0]
	twice.Flashcards[1].Question = "Question 0!"
	wordy := &study.SummarySet{Summary: study.SummaryBody{MainPoints: []study.MainPoint{{Point: "Light", Details: "is absorbed", Importance: "high"}},
		Text: strings.Repeat("Light is absorbed. ", 100)}}
	Settle(wordy, study.Options{})
	for _, c := range []struct {
		name string
		aid  study.Aid
		say  string
	}{
		{"a repeat", twice, "flashcards[1] nearly repeats flashcards[0]"},
		{"a summary longer than its source", wordy, "the summary is longer than its source"},
	} {
		if r := check(c.aid, study.Brief{Material: material}); !r.Passed || !slices.Equal(r.Issues, []string{c.say}) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

func TestRulesBoundTheFaultsAndQuoteNothing(t *testing.T) {
	var quotes []string
	for i := range 30 {
		quotes = append(quotes, fmt.Sprintf("SECRET%d SECRET", i))
	}
	r := check(quoting(quotes...), study.Brief{Material: material})
	if r.Passed || len(r.Faults) != maxIssues || strings.Contains(strings.Join(r.Faults, ""), "SECRET") {
		t.Errorf("got %+v", r)
	}
}

func TestRulesLeaveAChatToItsSafety(t *testing.T) {
	r := check(&study.Reply{Response: "Napoleon"}, study.Brief{Material: material})
	if !r.Passed || len(r.Faults)+len(r.Issues) != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestScoresAreHeldToTheThresholdOfTheType(t *testing.T) {
	for typ, want := range thresholds {
		at, below := want.accuracy, want.accuracy-.001
		if !Passed(typ, &at, nil) || want.accuracy > 0 && Passed(typ, &below, nil) || !Passed(typ, nil, nil) {
			t.Errorf("%s: accuracy", typ)
		}
		at, below = want.quality, want.quality-.001
		if !Passed(typ, nil, &at) || want.quality > 0 && Passed(typ, nil, &below) {
			t.Errorf("%s: quality", typ)
		}
		accuracy, quality := Scored(study.Brief{Type: typ, Material: "x"})
		if without, _ := Scored(study.Brief{Type: typ, Material: " "}); accuracy != (want.accuracy > 0) || quality != (want.quality > 0) || without {
			t.Errorf("%s: asked for %v, %v", typ, accuracy, quality)
		}
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
	p := &study.PlanSet{}
	for range 4 {
		p.Plan.Sessions = append(p.Plan.Sessions, study.PlanSession{Topic: "t", Activities: []string{"a"}})
	}
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
	for _, n := range []int{study.ExamPoints, study.ExamPoints + 1} { // one point for each, and one question too many for that
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
			continue // Check reports an empty one
		}
		a := study.NewAid(typ)
		Settle(a, study.Options{})
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(raw); strings.Contains(got, "null") {
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

func TestSettleRepairsWhatNeedsNoJudgement(t *testing.T) {
	p := &study.PlanSet{Plan: study.PlanBody{Title: "t", Sessions: []study.PlanSession{
		{Day: 0, Topic: "a", Activities: []string{"x"}}, {Day: 3, Topic: "b", Activities: []string{"x"}, Minutes: 10}, {Day: 2, Topic: "c", Activities: []string{"x"}},
		{Day: 4, Topic: "nothing to do"}}}}
	if faults := Settle(p, study.Options{DurationMinutes: 45}); len(faults) != 1 || len(p.Check(study.Options{})) != 0 || p.Plan.Sessions[2].Day != 3 || p.Plan.Sessions[0].Minutes != 45 {
		t.Errorf("faults %q, %+v", faults, p)
	}
	c := cards("a", "b", "", "d")
	c.Flashcards = append(c.Flashcards, study.Flashcard{Question: " question 0? ", Answer: "again", Topic: "t", Difficulty: study.Easy})
	c.Flashcards[0].Difficulty, c.Flashcards[1].Difficulty = "Advanced", "spicy"
	Settle(c, study.Options{})
	if len(c.Flashcards) != 3 || c.Flashcards[0].Difficulty != study.Hard || c.Flashcards[1].Difficulty != study.Medium {
		t.Errorf("got %+v", c)
	}
	s := &study.SummarySet{Summary: study.SummaryBody{Title: "t", MainPoints: []study.MainPoint{{Point: "p", Importance: "Critical"}}}}
	if Settle(s, study.Options{}); s.Summary.MainPoints[0].Importance != "high" {
		t.Errorf("got %+v", s)
	}
}

func TestSettleMakesTheSectionsThatWereAskedFor(t *testing.T) {
	for _, c := range []struct {
		sections        []int
		asked, expected int
	}{{[]int{3}, 3, 3}, {[]int{2, 2, 2, 1}, 3, 3}, {[]int{1, 1}, 3, 2}, {[]int{7}, 2, 2}, {[]int{2, 3}, 0, 2}} {
		s := examOf(c.sections...)
		o := study.Options{Sections: c.asked, DurationMinutes: 90}
		before := study.Items(s)
		Settle(s, o)
		if f := s.Check(o); len(f) != 0 || len(s.Exam.Sections) != c.expected || study.Items(s) != before {
			t.Errorf("%v for %d: %d sections of %d questions, faults %q", c.sections, c.asked, len(s.Exam.Sections), study.Items(s), f)
		}
	}
}

func TestMergeAddsWhatIsMissingWithoutRepeats(t *testing.T) {
	have, more := cards("a", "b"), cards("x", "y", "z", "w") // questions 0 and 1 exist already
	Merge(have, more, study.Options{Count: 3})
	if len(have.Flashcards) != 3 || have.Flashcards[2].Question != "Question 2?" || have.TotalCount != 3 {
		t.Errorf("got %+v", have)
	}
	exam, extra := examOf(2, 1), examOf(4)
	o := study.Options{QuestionCount: 4, Sections: 2}
	Settle(exam, o)
	Settle(extra, study.Options{})
	Merge(exam, extra, o)
	if f := exam.Check(o); len(f) != 0 || study.Items(exam) != 4 || len(exam.Exam.Sections[1].Questions) != 2 {
		t.Errorf("faults %q, %+v", f, exam)
	}
}

func TestMergeLeavesOutSessionsThatThePlanHas(t *testing.T) {
	sit := func(day int, topic string) study.PlanSession {
		return study.PlanSession{Day: day, Topic: topic, Activities: []string{"x"}, Minutes: 30}
	}
	have := []study.PlanSession{sit(1, "Light reactions"), sit(1, "Light reactions"), sit(2, "Calvin cycle")} // repeated on purpose
	for name, c := range map[string]struct{ more, want []study.PlanSession }{
		"the same plan":           {have, nil},
		"in other case":           {[]study.PlanSession{sit(1, " light  Reactions."), sit(2, "CALVIN CYCLE")}, nil},
		"the topic on a new day":  {[]study.PlanSession{sit(3, "Calvin cycle")}, []study.PlanSession{sit(3, "Calvin cycle")}},
		"a new topic on that day": {[]study.PlanSession{sit(2, "Calvin cycle"), sit(2, "Oxygen")}, []study.PlanSession{sit(2, "Oxygen")}},
	} {
		p := &study.PlanSet{Plan: study.PlanBody{Title: "t", Sessions: slices.Clone(have)}}
		Merge(p, &study.PlanSet{Plan: study.PlanBody{Title: "t", Sessions: c.more}}, study.Options{Count: 5})
		if want := slices.Concat(have, c.want); !reflect.DeepEqual(p.Plan.Sessions, want) {
			t.Errorf("%s: got %+v", name, p.Plan.Sessions)
		}
	}
}
