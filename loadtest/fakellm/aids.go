package fakellm

import (
	"fmt"
	"strings"

	"studysharper/app/study"
)

// The aids of StudyAnswer, each built from facts.

func flashcards(facts []string) *study.FlashcardSet {
	set := &study.FlashcardSet{TotalCount: len(facts), TopicsCovered: []string{"The text"}}
	for i, fact := range facts {
		set.Flashcards = append(set.Flashcards, study.Flashcard{Question: fmt.Sprintf("How does card %d go on after %q?", i+1, start(fact, 3)),
			Answer: fact, Topic: "The text", Difficulty: study.Medium})
	}
	return set
}

// quiz asks about every fact except the last three, which are wrong options.
func quiz(facts []string) *study.QuizSet {
	n := len(facts) - 3
	return &study.QuizSet{Quiz: study.QuizBody{Title: "Quiz", Questions: questions(facts, 0, n, func(int) int { return 1 })},
		TotalPoints: n, EstimatedTimeMinutes: n}
}

// exam distributes its questions over the sections and 100 points over its questions; the first ones get the remainder.
func exam(text string, w wishes) *study.ExamSet {
	total, sections := w.items(15), orElse(w.sections, 3)
	sections = min(sections, total)
	all := facts(text, total+3)
	points := func(i int) int { return share(study.ExamPoints, total, i) }
	body := study.ExamBody{Title: "Exam", DurationMinutes: orElse(w.minutes, 60), TotalPoints: study.ExamPoints}
	for s, from := 0, 0; s < sections; s++ {
		n := share(total, sections, s)
		body.Sections = append(body.Sections, study.ExamSection{SectionName: fmt.Sprintf("Section %d", s+1),
			Instructions: "Choose the right option.", TimeEstimateMinutes: max(body.DurationMinutes/sections, 1),
			Questions: questions(all, from, n, points)})
		from += n
	}
	return &study.ExamSet{Exam: body}
}

// share returns part i of a whole that is split as evenly as whole numbers allow.
func share(whole, parts, i int) int {
	if i < whole%parts {
		return whole/parts + 1
	}
	return whole / parts
}

// questions asks about n facts, starting at number from; the next three are the wrong options.
func questions(facts []string, from, n int, points func(i int) int) []study.Question {
	out := make([]study.Question, n)
	for q := range out {
		i := from + q
		out[q] = study.Question{Type: study.MultipleChoice, Question: fmt.Sprintf("Question %d: which option begins with %q?", i+1, start(facts[i], 3)),
			Options: facts[i : i+study.ChoiceOptions : i+study.ChoiceOptions], CorrectAnswer: facts[i],
			Explanation: "It begins so.", Points: points(i)}
	}
	return out
}

func summary(facts []string) *study.SummarySet {
	body := study.SummaryBody{Title: "Summary", KeyTerms: []study.KeyTerm{{Term: start(facts[0], 2), Definition: start(facts[0], 10)}}}
	for i := 0; i+1 < len(facts); i += 2 {
		body.MainPoints = append(body.MainPoints, study.MainPoint{Point: start(facts[i], 10), Details: start(facts[i+1], 10), Importance: "high"})
		body.Text += start(facts[i], 10) + ". "
	}
	return &study.SummarySet{Summary: body, WordCount: len(strings.Fields(body.Text)), EstimatedReadingTimeMinutes: 1}
}

func analysis() *study.AnalysisSet {
	return &study.AnalysisSet{Analysis: study.AnalysisBody{Strengths: []string{"The terms are clear."}, Gaps: []string{"Examples are missing."},
		KeyConcepts: []string{"The first sentence"}, Suggestions: []string{"Add an example of your own."}}}
}

func plan(facts []string) *study.PlanSet {
	body := study.PlanBody{Title: "Plan"}
	for i, fact := range facts {
		body.Sessions = append(body.Sessions, study.PlanSession{Day: i + 1, Topic: start(fact, 5),
			Activities: []string{"Read about: " + start(fact, 10)}, Minutes: 30})
	}
	return &study.PlanSet{Plan: body}
}

// start returns the first words of a text.
func start(text string, words int) string {
	fields := strings.Fields(text)
	return strings.Join(fields[:min(len(fields), words)], " ")
}
