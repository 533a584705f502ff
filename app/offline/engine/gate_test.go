package engine

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"studysharper/app/offline/english"
	"studysharper/app/study"
)

// TestOpenTextsHaveNoMechanicalFaults makes every type of aid from the open texts and requires that
// none has a fault that a program can detect.
func TestOpenTextsHaveNoMechanicalFaults(t *testing.T) {
	texts := openTexts(t)
	if len(texts) == 0 {
		t.Skip("no open texts")
	}
	for name, material := range texts {
		for _, b := range reported {
			b.Material = material
			answer, err := New().Generate(context.Background(), study.Prompt{Brief: b}, nil)
			if err != nil {
				continue // too little material for this type of aid
			}
			aid := study.NewAid(b.Type)
			if err := json.Unmarshal([]byte(answer.Text), aid); err != nil {
				t.Fatal(err)
			}
			for _, fault := range mechanicalFaults(aid, material) {
				t.Errorf("%s, %s: %s", name, b.Type, fault)
			}
		}
	}
}

// mechanicalFaults lists the cards, questions and points that are cut, contain markup, begin in the
// middle, or offer options of different kinds.
func mechanicalFaults(aid study.Aid, material string) (faults []string) {
	switch a := aid.(type) {
	case *study.FlashcardSet:
		for _, c := range a.Flashcards {
			faults = append(faults, sideFaults(c.Question, c.Answer, material)...)
		}
	case *study.QuizSet:
		faults = questionFaults(a.Quiz.Questions, material)
	case *study.ExamSet:
		for _, s := range a.Exam.Sections {
			faults = append(faults, questionFaults(s.Questions, material)...)
		}
	case *study.SummarySet:
		for _, p := range a.Summary.MainPoints {
			faults = append(faults, textFaults(p.Point)...)
			faults = append(faults, textFaults(p.Details)...)
		}
		for _, k := range a.Summary.KeyTerms {
			faults = append(faults, sideFaults(k.Term, k.Definition, material)...)
		}
	}
	return faults
}

func questionFaults(questions []study.Question, material string) (faults []string) {
	truths := make(map[any]int)
	for _, q := range questions {
		faults = append(faults, textFaults(q.Question)...)
		switch q.Type {
		case study.TrueFalse:
			truths[q.CorrectAnswer]++
		case study.MultipleChoice:
			kinds := make(map[string]bool)
			for _, o := range q.Options {
				kinds[optionKind(o)] = true
			}
			if len(kinds) > 1 {
				faults = append(faults, "options of different kinds: "+strings.Join(q.Options, " | "))
			}
		default:
			for _, a := range q.AcceptableAnswers {
				faults = append(faults, sideFaults(q.Question, a, material)...)
			}
		}
	}
	if d := truths[true] - truths[false]; d > 1 || d < -1 {
		faults = append(faults, "true and false statements are not in balance")
	}
	return faults
}

// optionKind is a rough kind of an option.
func optionKind(o string) string {
	switch {
	case strings.Trim(o, "0123456789") == "":
		return "number"
	case english.IsPersonName(o) && strings.Contains(o, " "):
		return "person"
	default:
		return ""
	}
}

// sideFaults checks both sides of a card. Cards that a student typed are not checked.
func sideFaults(question, answer, material string) []string {
	if strings.Contains(material, answer) && !strings.HasSuffix(question, "?") && !strings.Contains(question, "____") {
		return nil
	}
	faults := append(textFaults(question), textFaults(answer)...)
	if !strings.Contains(question, "____") && !english.EndsComplete(answer) && strings.Contains(answer, " ") {
		faults = append(faults, "cut answer: "+question+" → "+answer)
	}
	for _, first := range []string{"This ", "These ", "That ", "And ", "But ", "Which "} {
		if strings.HasPrefix(answer, first) {
			faults = append(faults, "the answer begins in the middle: "+answer)
		}
	}
	if strings.Contains(question, "____") && len(strings.Fields(answer)) == 1 && (english.IsVague(strings.ToLower(answer)) || strings.HasSuffix(answer, "ly")) {
		faults = append(faults, "filler blanked: "+question+" → "+answer)
	}
	return faults
}

func textFaults(s string) (faults []string) {
	for _, markup := range []string{"**", "](", "</", "{{", "}}", "```", "http://", "https://", "\x01", "&amp;", "&nbsp;"} {
		if strings.Contains(s, markup) {
			faults = append(faults, "markup "+markup+" in: "+s)
		}
	}
	if strings.Count(s, "$")%2 == 1 && strings.Contains(s, `\`) {
		faults = append(faults, "cut formula: "+s)
	}
	return faults
}
