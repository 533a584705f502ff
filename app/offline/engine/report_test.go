package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/study"
)

// openTexts returns the texts on which the engine is measured, by file name.
func openTexts(t testing.TB) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{"testdata/texts/*", "../../../../shared/data/texts/t*", os.Getenv("OFFLINE_TEXTS")} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[filepath.Base(file)] = string(raw)
		}
	}
	return texts
}

// reported are the requests that the report covers.
var reported = []study.Brief{
	{Type: study.Flashcards},
	{Type: study.Quiz, Options: study.Options{QuestionTypes: []string{study.MultipleChoice}}},
	{Type: study.Quiz, Options: study.Options{QuestionTypes: []string{study.TrueFalse}}},
	{Type: study.Quiz, Options: study.Options{QuestionTypes: []string{study.ShortAnswer}}},
	{Type: study.Exam},
	{Type: study.Summary, Options: study.Options{Length: study.Medium}},
	{Type: study.Analysis},
	{Type: study.Plan},
}

// reportOf returns every aid of a text as Markdown.
func reportOf(t testing.TB, name, material string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n", name)
	for _, b := range reported {
		b.Material = material
		fmt.Fprintf(&out, "\n## %s %s\n\n", b.Type, strings.Join(b.Options.QuestionTypes, " "))
		answer, err := New().Generate(context.Background(), study.Prompt{Brief: b}, nil)
		if err != nil {
			fmt.Fprintf(&out, "%v\n", err)
			continue
		}
		aid := study.NewAid(b.Type)
		if err := json.Unmarshal([]byte(answer.Text), aid); err != nil {
			t.Fatal(err)
		}
		writeAid(&out, aid)
	}
	return out.String()
}

func writeAid(out *strings.Builder, aid study.Aid) {
	switch a := aid.(type) {
	case *study.FlashcardSet:
		for i, c := range a.Flashcards {
			fmt.Fprintf(out, "%d. %s → %s (%s, %s)\n", i+1, c.Question, c.Answer, c.Difficulty, c.Topic)
		}
	case *study.QuizSet:
		writeQuestions(out, a.Quiz.Questions)
	case *study.ExamSet:
		for _, s := range a.Exam.Sections {
			fmt.Fprintf(out, "### %s: %s %d min\n", s.SectionName, s.Instructions, s.TimeEstimateMinutes)
			writeQuestions(out, s.Questions)
		}
	case *study.SummarySet:
		for _, p := range a.Summary.MainPoints {
			fmt.Fprintf(out, "- %s [%s] %s\n", p.Point, p.Importance, p.Details)
		}
		for _, k := range a.Summary.KeyTerms {
			fmt.Fprintf(out, "- **%s**: %s\n", k.Term, k.Definition)
		}
	case *study.AnalysisSet:
		fmt.Fprintf(out, "- strengths: %q\n- gaps: %q\n- concepts: %q\n- suggestions: %q\n", a.Analysis.Strengths, a.Analysis.Gaps, a.Analysis.KeyConcepts, a.Analysis.Suggestions)
	case *study.PlanSet:
		for _, s := range a.Plan.Sessions {
			fmt.Fprintf(out, "- day %d, %d min, %s: %q\n", s.Day, s.Minutes, s.Topic, s.Activities)
		}
	}
}

func writeQuestions(out *strings.Builder, questions []study.Question) {
	for i, q := range questions {
		fmt.Fprintf(out, "%d. %s", i+1, q.Question)
		for _, o := range q.Options {
			fmt.Fprintf(out, "\n   - %s", o)
		}
		fmt.Fprintf(out, "\n   → %v %s %s\n", q.CorrectAnswer, strings.Join(q.AcceptableAnswers, " / "), q.SampleAnswer)
	}
}

// TestReportOfAllAids writes the engine's aids for the open texts to the folder that
// OFFLINE_REPORT names, for a person to read.
func TestReportOfAllAids(t *testing.T) {
	dir := os.Getenv("OFFLINE_REPORT")
	if dir == "" {
		t.Skip("no OFFLINE_REPORT")
	}
	for name, material := range openTexts(t) {
		if err := os.WriteFile(filepath.Join(dir, name+".report.md"), []byte(reportOf(t, name, material)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
