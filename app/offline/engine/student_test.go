package engine

import (
	"slices"
	"strings"
	"testing"

	"studysharper/app/study"
)

func TestFalseStatementsCouldBeBelieved(t *testing.T) {
	set := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: photosynthesis(t), Options: study.Options{QuestionCount: 8, QuestionTypes: []string{study.TrueFalse}}})
	for _, q := range set.Quiz.Questions {
		// The one molecule that the notes define is not a meaning for a light or an instrument.
		if q.CorrectAnswer == false && strings.Contains(q.Question, "a related molecule") {
			t.Errorf("nobody would take this for true: %s", q.Question)
		}
	}
}

func TestWrongOptionsAreOfTheSameKind(t *testing.T) {
	persons := []string{"Maximilien Robespierre", "Napoleon Bonaparte"}
	set := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: materials(t)["history"], Options: study.Options{QuestionCount: 12, QuestionTypes: []string{study.MultipleChoice}}})
	for _, q := range set.Quiz.Questions {
		for _, o := range q.Options {
			if slices.Contains(persons, o) && strings.HasPrefix(q.Question, "Which term means") {
				t.Errorf("no term is a person: %s %q", q.Question, q.Options)
			}
		}
	}
}

func TestListsAsStudentsWriteThemGiveWholeTermsAsOptions(t *testing.T) {
	const list = "- mitochondria: powerhouse of the cell\n- ribosome = makes proteins\n- nucleus = the part that holds DNA\n" +
		"- golgi: packages proteins\n- cell membrane: controls what goes in and out"
	set := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: list, Options: study.Options{QuestionCount: 10, QuestionTypes: []string{study.MultipleChoice}}})
	for _, q := range set.Quiz.Questions {
		if slices.Contains(q.Options, "Membrane") || slices.Contains(q.Options, "Cell") {
			t.Errorf("a piece of a term is offered: %s %q", q.Question, q.Options)
		}
	}
	if len(set.Quiz.Questions) < 3 {
		t.Errorf("%d questions", len(set.Quiz.Questions))
	}
}

func TestAPlanHasASessionForEverySectionUnlessANumberIsAsked(t *testing.T) {
	plan := made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: photosynthesis(t)}).Plan
	var topics []string
	for _, s := range plan.Sessions {
		topics = append(topics, s.Topic)
	}
	want := []string{"The Light-Dependent Reactions of Photosynthesis", "What Is Light Energy?", "Absorption of Light",
		"Understanding Pigments", "How Light-Dependent Reactions Work", "Review 1: everything so far", "Review 2: everything so far"}
	if !slices.Equal(topics, want) {
		t.Errorf("got %q", topics)
	}
	joined := made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: photosynthesis(t), Options: study.Options{Count: 2}}).Plan
	if first := joined.Sessions[0].Activities[0]; !strings.Contains(first, "“The Light-Dependent Reactions of Photosynthesis”, “What Is Light Energy?” and “Absorption of Light”") {
		t.Errorf("several sections are named %s", first)
	}
}

func TestDefaultCountsFitSectionsAndReviews(t *testing.T) {
	for sections, want := range map[int]int{1: 1, 2: 2, 3: 4, 4: 5, 5: 7, 8: 10, 9: 10, 50: 10} {
		if got := defaultCount(sections); got != want {
			t.Errorf("%d sections: %d sessions, want %d", sections, got, want)
		}
	}
}

func TestChatTellsWhatIsDefinedTogetherWithAnother(t *testing.T) {
	ask := func(q string) string {
		return generate(t, study.Brief{Type: study.Chat, Material: photosynthesis(t), Message: q})
	}
	const defined = "Chlorophylls and carotenoids are the two major classes"
	for _, q := range []string{"What is chlorophyll?", "What are carotenoids?", "What are chlorophylls and carotenoids?"} {
		if got := ask(q); !strings.Contains(got, defined) {
			t.Errorf("%s %s", q, got)
		}
	}
	if got := ask("What's the difference between chlorophyll a and b?"); strings.Contains(got, defined) {
		t.Errorf("a definition tells no difference: %s", got)
	}
}

func TestDetailDecidesHowMuchIsSaid(t *testing.T) {
	for _, q := range []string{"summarize this", "Explain how pigments absorb light"} {
		last := 0
		for _, detail := range []string{study.Short, "", study.Long} {
			n := len(generate(t, study.Brief{Type: study.Chat, Material: photosynthesis(t), Message: q, Detail: detail}))
			if n <= last {
				t.Errorf("%s: %d bytes with detail %q, %d with less", q, n, detail, last)
			}
			last = n
		}
	}
	short := made[*study.AnalysisSet](t, study.Brief{Type: study.Analysis, Material: photosynthesis(t), Detail: study.Short}).Analysis
	usual := made[*study.AnalysisSet](t, study.Brief{Type: study.Analysis, Material: photosynthesis(t)}).Analysis
	for _, lists := range [][2][]string{{short.Strengths, usual.Strengths}, {short.Gaps, usual.Gaps}, {short.Suggestions, usual.Suggestions}} {
		if len(lists[0]) != min(briefly, len(lists[1])) {
			t.Errorf("%d lines when kept short, %d as usual", len(lists[0]), len(lists[1]))
		}
	}
}

func TestEveryLengthAndStyleOfASummaryDiffers(t *testing.T) {
	seen := make(map[string]string)
	last := 0
	for _, length := range []string{study.Short, study.Medium, study.Long} {
		for _, style := range []string{study.BulletPoints, study.Paragraph, study.Outline} {
			s := made[*study.SummarySet](t, study.Brief{Type: study.Summary, Material: photosynthesis(t), Options: study.Options{Length: length, Style: style}})
			if other := seen[s.Summary.Text]; other != "" {
				t.Errorf("%s %s reads like %s", length, style, other)
			}
			seen[s.Summary.Text] = length + " " + style
			if style == study.Outline {
				if s.WordCount <= last*5/4 {
					t.Errorf("%s has %d words, the shorter one %d", length, s.WordCount, last)
				}
				last = s.WordCount
			}
		}
	}
}

// TestChatAnswersWithTheKindOfThingAskedFor asks for kinds that the answering sentence does not contain, and for a name from
// the sentence before it.
func TestChatAnswersWithTheKindOfThingAskedFor(t *testing.T) {
	notes := "The Erie Canal was dug by thousands of labourers. It opened to boats in 1825 and joined Buffalo with Albany. " +
		"Canals carried grain and timber for decades.\n\nThe governor of the state, DeWitt Clinton, had promoted the canal against much mockery. Clinton poured water from the lake into the harbour."
	for question, want := range map[string]string{
		"In what year did the Erie Canal open to boats?":    "1825",
		"Which politician promoted the canal?":              "DeWitt Clinton",
		"What cargo did canals carry for decades?":          "grain and timber",
		"In what year did the Corliss Canal open to boats?": "cannot find",
	} {
		if got := generate(t, study.Brief{Type: study.Chat, Material: notes, Message: question}); !strings.Contains(got, want) {
			t.Errorf("%s %s", question, got)
		}
	}
}
