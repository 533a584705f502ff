package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"studysharper/app/offline/facts"
	"testing"

	"studysharper/app/offline/english"
	"studysharper/app/study"
	"studysharper/app/text"
)

func TestFlashcardsAreDistinctAndAnsweredByTheText(t *testing.T) {
	for name, m := range materials(t) {
		source := text.NewBag(m)
		for _, n := range []int{1, 10, 40} {
			set := made[*study.FlashcardSet](t, study.Brief{Type: study.Flashcards, Material: m, Options: study.Options{Count: n}})
			if got := len(set.Flashcards); got > n || n <= 10 && got != n || got < 20 && n > 20 { // fewer items instead of bad ones
				t.Errorf("%s: asked %d cards, got %d", name, n, got)
			}
			seen := make(map[string]bool)
			for _, c := range set.Flashcards {
				if key := foldText(c.Question); seen[key] {
					t.Errorf("asked twice: %s", c.Question)
				} else {
					seen[key] = true
				}
				if !inSource(c.Answer, source) {
					t.Errorf("the text has not the words of: %s", c.Answer)
				}
				if gap := strings.Contains(c.Question, "____"); gap != strings.HasPrefix(c.Question, "Complete: ") || !gap && !strings.HasSuffix(c.Question, "?") && !strings.Contains(m, c.Question+": ") { // as typed
					t.Errorf("no question: %s", c.Question)
				}
				if text.Overlap(c.Answer, c.Question) >= 0.75 {
					t.Errorf("gives itself away: %s %s", c.Question, c.Answer)
				}
				if english.StartsWithPronoun(c.Answer) && !strings.HasPrefix(c.Answer, "Each") {
					t.Errorf("dangling answer: %s %s", c.Question, c.Answer)
				}
				if !slices.Contains(set.TopicsCovered, c.Topic) {
					t.Errorf("topic %q is not listed", c.Topic)
				}
			}
		}
	}
}

func TestFlashcardsOfTheNotesHoldItsDefinitionsAndReasons(t *testing.T) {
	src, err := facts.Read(context.Background(), facts.NewOutline(photosynthesis(t)))
	if err != nil {
		t.Fatal(err)
	}
	cards := make(map[string]string)
	for _, f := range src.Facts(context.Background()) {
		cards[f.Question] = f.Answer
	}
	for q, a := range map[string]string{
		"What is the electromagnetic spectrum?":                        "The range of all possible frequencies of radiation.",
		"What is wavelength?":                                          "The distance between consecutive points of a wave.",
		"What does a photosystem consist of?":                          "A light-harvesting complex and a reaction center.",
		"What is the overall function of light-dependent reactions?":   "To convert solar energy into chemical energy in the form of NADPH and ATP.",
		"Why does chlorophyll appear green?":                           "Because green is reflected or transmitted.",
		"How can scientists determine the amount of energy of a wave?": "By measuring its wavelength.",
		"What happens when a person turns on a lamp?":                  "Electrical energy becomes light energy.",
		"What are the carotenoids found in fruit used as?":             "As advertisements to attract seed dispersers.",
		"What does the term “bleaching” refer to?":                     "Energy levels higher than those in blue light will physically tear the molecules apart.",
	} {
		if cards[q] != a {
			t.Errorf("%s\ngot  %q\nwant %q", q, cards[q], a)
		}
	}
}

func TestFlashcardsFollowTopicAndDifficulty(t *testing.T) {
	b := study.Brief{Type: study.Flashcards, Material: materials(t)["history"], Options: study.Options{Count: 4, Topic: "Napoleon", Difficulty: study.Hard}}
	set := made[*study.FlashcardSet](t, b)
	for _, c := range set.Flashcards {
		if c.Difficulty != study.Hard || c.Topic != "Napoleon" && c.Question != set.Flashcards[len(set.Flashcards)-1].Question {
			t.Errorf("%+v", c)
		}
	}
	b.Options = study.Options{Count: 30, Difficulty: study.Adaptive}
	levels := make(map[string]int)
	for _, c := range made[*study.FlashcardSet](t, b).Flashcards {
		levels[c.Difficulty]++
	}
	if levels[study.Easy] == 0 || levels[study.Medium] == 0 || levels[study.Hard] == 0 {
		t.Errorf("adaptive gives %v", levels)
	}
}

func TestQuizQuestionsHaveOneRightAnswerOfTheText(t *testing.T) {
	for name, m := range materials(t) {
		source := text.NewBag(m)
		set := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: m, Options: study.Options{QuestionCount: 24}})
		if n := len(set.Quiz.Questions); n > 24 || n < 12 {
			t.Errorf("%s: %d questions", name, len(set.Quiz.Questions))
		}
		places, truths := make(map[int]bool), make(map[any]int)
		choices := 0
		for i, q := range set.Quiz.Questions {
			if want := []string{study.MultipleChoice, study.TrueFalse, study.ShortAnswer}[i%3]; q.Type != want && i < 3 {
				t.Errorf("question %d is %s", i, q.Type)
			}
			if !strings.Contains(strings.Join(strings.Fields(m), " "), q.Explanation) {
				t.Errorf("no sentence of the text: %s", q.Explanation)
			}
			for _, o := range append(q.Options, q.AcceptableAnswers...) {
				if !inSource(o, source) {
					t.Errorf("the text has not the words of: %s", o)
				}
			}
			switch q.Type {
			case study.MultipleChoice:
				places[slices.Index(q.Options, q.CorrectAnswer.(string))] = true
				choices++
				checkChoice(t, q)
			case study.TrueFalse:
				truths[q.CorrectAnswer]++
			}
		}
		if len(places) < min(3, choices/2) {
			t.Errorf("%s: the right option stands only at %v", name, places)
		}
		if truths[true] > truths[false] || truths[false] > truths[true]+1 || truths[false] < 3 {
			t.Errorf("%s: true and false are %v", name, truths)
		}
	}
}

// checkChoice checks that the explaining sentence contains the right option and no other.
func checkChoice(t *testing.T, q study.Question) {
	t.Helper()
	right := 0
	for _, o := range q.Options {
		if o == q.CorrectAnswer {
			right++
		} else if len(text.Words(o)) > 0 && text.Overlap(o, q.Explanation) == 1 {
			t.Errorf("%s: %q is in the explanation too: %s", q.Question, o, q.Explanation)
		}
	}
	if right != 1 {
		t.Errorf("%d right options: %+v", right, q)
	}
}

func TestQuizNeverOffersATermThatMeansTheSame(t *testing.T) {
	set := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: photosynthesis(t), Options: study.Options{QuestionCount: 40, QuestionTypes: []string{study.MultipleChoice}}})
	for _, q := range set.Quiz.Questions {
		both := slices.Contains(q.Options, "Visible light") && slices.Contains(q.Options, "Photosynthetically active radiation")
		if both && (q.CorrectAnswer == "Visible light" || q.CorrectAnswer == "Photosynthetically active radiation") {
			t.Errorf("two right: %+v", q)
		}
	}
}

func TestFalseStatementsAreNotTheTexts(t *testing.T) {
	for _, m := range materials(t) {
		flat := foldText(m)
		set := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: m, Options: study.Options{QuestionCount: 30, QuestionTypes: []string{study.TrueFalse}}})
		for _, q := range set.Quiz.Questions {
			statement := foldText(strings.TrimPrefix(q.Question, "True or false: "))
			if q.CorrectAnswer == false && strings.Contains(flat, statement) {
				t.Errorf("the text says: %s", statement)
			}
		}
	}
}

func TestQuizKeepsToTheTypesAskedFor(t *testing.T) {
	for _, types := range [][]string{{study.ShortAnswer}, {study.TrueFalse, study.MultipleChoice}} {
		set := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: materials(t)["history"], Options: study.Options{QuestionTypes: types}})
		if len(set.Quiz.Questions) != defaultQuestions || set.Quiz.Questions[0].Type != types[0] {
			t.Errorf("%v: %+v", types, set.Quiz.Questions)
		}
	}
}

func TestExamPointsAddUpInEveryShape(t *testing.T) {
	m := materials(t)["history"]
	for _, n := range []int{0, 1, 7, 50} {
		for _, sections := range []int{0, 1, 10} {
			for _, types := range [][]string{nil, {study.ShortAnswer}, {study.TrueFalse, study.MultipleChoice}} {
				o := study.Options{QuestionCount: n, Sections: sections, QuestionTypes: types, DurationMinutes: n}
				exam := made[*study.ExamSet](t, study.Brief{Type: study.Exam, Material: m, Options: o}).Exam // its check adds the points up
				count, minutes := 0, 0
				for _, s := range exam.Sections {
					count, minutes = count+len(s.Questions), minutes+s.TimeEstimateMinutes
				}
				if n > 0 && count > n || n == 7 && count != n {
					t.Errorf("%+v: %d questions", o, count)
				}
				if exam.DurationMinutes >= len(exam.Sections) && minutes != exam.DurationMinutes {
					t.Errorf("%+v: sections take %d of %d minutes", o, minutes, exam.DurationMinutes)
				}
			}
		}
	}
}

func TestExamDefaults(t *testing.T) {
	exam := made[*study.ExamSet](t, study.Brief{Type: study.Exam, Material: materials(t)["history"]}).Exam
	if exam.DurationMinutes != 60 || len(exam.Sections) != 3 || exam.Title != "Exam: The French Revolution" {
		t.Errorf("%+v", exam)
	}
}

func TestSummaryIsMainSentencesInOrder(t *testing.T) {
	for _, m := range materials(t) {
		flat, source := strings.Join(strings.Fields(m), " "), text.NewBag(m)
		for length, n := range map[string]int{study.Short: 3, study.Medium: 6, study.Long: 10, "": 6} {
			for _, style := range []string{study.BulletPoints, study.Paragraph, study.Outline, ""} {
				set := made[*study.SummarySet](t, study.Brief{Type: study.Summary, Material: m, Options: study.Options{Length: length, Style: style}})
				if len(set.Summary.MainPoints) != n {
					t.Errorf("%s: %d points", length, len(set.Summary.MainPoints))
				}
				last := -1
				for _, p := range set.Summary.MainPoints {
					at := strings.Index(flat, p.Point[1:])
					if at <= last || !strings.Contains(set.Summary.Text, p.Point) {
						t.Errorf("out of order, not of the text or not in the summary: %s", p.Point)
					}
					last = at
				}
				for _, k := range set.Summary.KeyTerms {
					if !inSource(k.Term+" "+k.Definition, source) {
						t.Errorf("not of the text: %+v", k)
					}
				}
				if outline := strings.HasPrefix(set.Summary.Text, "1. "); outline != (style == study.Outline) {
					t.Errorf("%s: %s", style, set.Summary.Text)
				}
			}
		}
	}
}

func TestSummaryFollowsItsFocus(t *testing.T) {
	set := made[*study.SummarySet](t, study.Brief{Type: study.Summary, Material: materials(t)["history"], Options: study.Options{Length: study.Short, FocusAreas: []string{"Bastille", "taxes"}}})
	if s := set.Summary.Text; !strings.Contains(s, "Bastille") || !strings.Contains(s, "taxes") {
		t.Error(s)
	}
}

func TestAnalysisNamesThingsOfTheText(t *testing.T) {
	a := made[*study.AnalysisSet](t, study.Brief{Type: study.Analysis, Material: photosynthesis(t)}).Analysis
	all := fmt.Sprint(a.Strengths, a.Gaps, a.Suggestions)
	for _, want := range []string{"Defines ", "5 headings", "“light energy” is used in", "“NADPH”", "Why does chlorophyll appear green?"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in %s", want, all)
		}
	}
	if len(a.KeyConcepts) != 10 {
		t.Errorf("concepts %q", a.KeyConcepts)
	}
	poor := made[*study.AnalysisSet](t, study.Brief{Type: study.Analysis, Material: "# Cells\n\nCells divide often and grow in the body.\n\n# Walls\n\nThe walls hold the cells."}).Analysis
	if got := fmt.Sprint(poor.Gaps); !strings.Contains(got, "No definition") || !strings.Contains(got, "“Walls” is thin") {
		t.Error(got)
	}
}

func TestPlanHasTheSessionsAskedForAndEndsWithReview(t *testing.T) {
	for name, m := range materials(t) {
		for _, n := range []int{1, 2, 3, 6, 9} {
			plan := made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: m, Options: study.Options{Count: n, DurationMinutes: 45}}).Plan
			last := plan.Sessions[len(plan.Sessions)-1]
			if len(plan.Sessions) != n || last.Minutes != 45 || strings.HasPrefix(last.Topic, "Review") != (n >= 3) {
				t.Errorf("%s, %d sessions: %+v", name, n, plan)
			}
		}
		plan := made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: m}).Plan
		if n := len(plan.Sessions); n < 4 || n > defaultSessions || plan.Sessions[0].Minutes < 10 || plan.Sessions[0].Minutes > maxMinutes {
			t.Errorf("%s: %+v", name, plan)
		}
	}
}

func TestPlanBeginsWithWhatTheStudentIsWeakAt(t *testing.T) {
	for name, m := range materials(t) {
		usual := made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: m}).Plan.Sessions
		last := len(usual) - 1 - reviewsIn(len(usual))
		if strings.Contains(usual[last].Topic, " and ") || usual[last].Topic == usual[0].Topic {
			continue // of several sections
		}
		topic, _, _ := strings.Cut(usual[last].Topic, " (part ")
		weak := made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: m, Weak: []string{"nothing of it", strings.ToUpper(topic)}}).Plan.Sessions
		if !strings.HasPrefix(weak[0].Topic, topic) || len(weak) != len(usual) || weak[0].Day != 1 || weak[1].Topic != usual[0].Topic && !strings.HasPrefix(weak[1].Topic, topic) {
			t.Errorf("%s: %+v, want %q first", name, weak, topic)
		}
		return
	}
	t.Error("no material has a section for itself at its end")
}

func TestPlanIsBounded(t *testing.T) {
	m := strings.Repeat(materials(t)["history"], 20)
	if n := len(made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: m}).Plan.Sessions); n != defaultSessions {
		t.Errorf("%d sessions by default", n)
	}
	if n := len(made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: m, Options: study.Options{Count: study.MaxItems + 1}}).Plan.Sessions); n != study.MaxItems {
		t.Errorf("%d sessions at most", n)
	}
	if n := len(made[*study.FlashcardSet](t, study.Brief{Type: study.Flashcards, Material: m, Options: study.Options{Count: study.MaxItems + 1}}).Flashcards); n > study.MaxItems {
		t.Errorf("%d cards at most", n)
	}
}
