package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/study"
	"studysharper/app/text"
)

const (
	defaultQuestions     = 10
	defaultExamQuestions = 15
	defaultSections      = 3
	defaultExamMinutes   = 60
)

// weights are the points of a quiz question by type. By the same weights, an
// exam's points and time are divided.
var weights = map[string]int{study.MultipleChoice: 2, study.TrueFalse: 1, study.ShortAnswer: 3}

// drawQuestions draws n questions, taking the types in turn, until the bank is empty.
func drawQuestions(b *bank, n int, types []string) []study.Question {
	var out []study.Question
	for empty := 0; empty < len(types) && len(out) < n; {
		empty = 0
		for _, t := range types {
			it, ok := b.drawQuestion(t)
			if !ok {
				empty++
			} else if len(out) < n {
				out = append(out, it.Question)
			}
		}
	}
	return out
}

// makeQuiz makes Options.QuestionCount questions (0: ten), taking the requested types in turn.
// A choice is worth 2 points, true or false 1, a short answer 3.
func makeQuiz(ctx context.Context, src source, b study.Brief) study.Aid {
	n := b.Options.QuestionCount
	if n <= 0 {
		n = defaultQuestions
	}
	questions := drawQuestions(newBank(ctx, src), min(n, study.MaxItems), questionTypes(b.Options))
	if len(questions) == 0 {
		return nil
	}
	set := &study.QuizSet{Quiz: study.QuizBody{Title: src.titleFor("Quiz", b.Options), Questions: questions}}
	seconds := 0
	for i := range questions {
		q := &questions[i]
		q.Points, q.SampleAnswer = weights[q.Type], ""
		set.TotalPoints += q.Points
		seconds += 30 * q.Points
	}
	set.EstimatedTimeMinutes = (seconds + 59) / 60
	return set
}

// makeExam makes Options.QuestionCount questions (0: fifteen) in Options.Sections sections (0:
// three; at most one for each question), worth 100 points in total.
func makeExam(ctx context.Context, src source, b study.Brief) study.Aid {
	o := b.Options
	n, parts, minutes := orDefault(o.QuestionCount, defaultExamQuestions), orDefault(o.Sections, defaultSections), orDefault(o.DurationMinutes, defaultExamMinutes)
	parts = min(parts, study.MaxSections)
	types := questionTypes(o)
	drawn := drawQuestions(newBank(ctx, src), min(max(n, parts), study.MaxItems), types)
	if o.QuestionCount > 0 && len(drawn) > o.QuestionCount {
		drawn = drawn[:o.QuestionCount]
	}
	if len(drawn) == 0 {
		return nil
	}
	var questions []study.Question
	for _, t := range types {
		for _, q := range drawn {
			if q.Type == t {
				questions = append(questions, src.toExamQuestion(q))
			}
		}
	}
	sharePoints(study.ExamPoints, questions)
	body := study.ExamBody{Title: src.titleFor("Exam", o), DurationMinutes: minutes, TotalPoints: study.ExamPoints}
	body.Sections = splitSections(questions, min(parts, len(questions)))
	allotMinutes(body.Sections, minutes)
	return &study.ExamSet{Exam: body}
}

func orDefault(n, other int) int {
	if n > 0 {
		return n
	}
	return other
}

// toExamQuestion replaces the accepted answers of a quiz question by a sample answer and a
// rubric.
func (src source) toExamQuestion(q study.Question) study.Question {
	switch q.Type {
	case study.ShortAnswer:
		q.Rubric = src.writeRubric(q)
		q.AcceptableAnswers = nil
	case study.MultipleChoice:
		q.Rubric = "All points for the right option, otherwise none."
	default:
		q.Rubric = "All points for the right judgement, otherwise none."
	}
	return q
}

// writeRubric describes what a short answer must contain to earn its points.
func (src source) writeRubric(q study.Question) string {
	if strings.HasPrefix(q.Question, "Which ") || strings.HasPrefix(q.Question, "Who ") || strings.HasPrefix(q.Question, "Complete: ") {
		return fmt.Sprintf("All points for “%s”, even if misspelt, as long as the word is clear; otherwise none.", english.Bare(q.SampleAnswer))
	}
	asked := text.NewBag(q.Question)
	var keys []string
	for _, w := range text.Words(q.SampleAnswer) {
		if len(w) > 4 && asked.Overlap(w) == 0 && len(keys) < 4 && !slices.Contains(keys, "“"+w+"”") {
			keys = append(keys, "“"+w+"”")
		}
	}
	if len(keys) == 0 {
		return "All points for the complete statement in the student's own words, half for a part of it."
	}
	return "All points for the complete statement in the student's own words, including the meaning of " + strings.Join(keys, ", ") + "; half for a part of it."
}

// sharePoints splits points over the questions by their weights, at least one each. The
// rounding difference goes to the questions in turn, heaviest type first.
func sharePoints(points int, questions []study.Question) {
	sum := 0
	for _, q := range questions {
		sum += weights[q.Type]
	}
	left := points
	for i := range questions {
		questions[i].Points = max(1, points*weights[questions[i].Type]/sum)
		left -= questions[i].Points
	}
	for weight := 3; left != 0; weight-- {
		if weight == 0 {
			weight = 3
		}
		for i := range questions {
			switch q := &questions[i]; {
			case weights[q.Type] != weight:
			case left > 0:
				q.Points++
				left--
			case left < 0 && q.Points > 1:
				q.Points--
				left++
			}
		}
	}
}

// splitSections makes n sections of questions that are sorted by type: one for each type, then
// the last ones joined or the longest ones halved until there are n.
func splitSections(questions []study.Question, n int) []study.ExamSection {
	var runs [][]study.Question
	for i, q := range questions {
		if i == 0 || q.Type != questions[i-1].Type {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], q)
	}
	for len(runs) > n {
		last := len(runs) - 1
		runs = append(runs[:last-1], append(runs[last-1], runs[last]...))
	}
	for len(runs) < n {
		long := 0
		for i, r := range runs {
			if len(r) > len(runs[long]) {
				long = i
			}
		}
		half := (len(runs[long]) + 1) / 2
		runs = slices.Insert(runs, long+1, runs[long][half:])
		runs[long] = runs[long][:half]
	}
	out := make([]study.ExamSection, n)
	for i, r := range runs {
		out[i] = newSection(r, i)
	}
	return out
}

// newSection makes a section with its name and instructions.
func newSection(questions []study.Question, index int) study.ExamSection {
	var kinds, how []string
	points := 0
	for i, q := range questions {
		points += q.Points
		if i == 0 || q.Type != questions[i-1].Type {
			kinds = append(kinds, map[string]string{study.MultipleChoice: "Multiple Choice", study.TrueFalse: "True or False", study.ShortAnswer: "Short Answer"}[q.Type])
			how = append(how, map[string]string{study.MultipleChoice: "Choose the one right option.", study.TrueFalse: "Judge whether each statement is true or false.", study.ShortAnswer: "Answer in one or two sentences of your own."}[q.Type])
		}
	}
	return study.ExamSection{
		SectionName:  fmt.Sprintf("Section %c: %s", 'A'+index, strings.Join(kinds, " and ")),
		Instructions: fmt.Sprintf("%s (%d points)", strings.Join(how, " "), points),
		Questions:    questions,
	}
}

// allotMinutes splits minutes over the sections by their points, at least one each.
func allotMinutes(sections []study.ExamSection, minutes int) {
	left, points := minutes, study.ExamPoints
	for i := range sections {
		s := &sections[i]
		sum := 0
		for _, q := range s.Questions {
			sum += q.Points
		}
		s.TimeEstimateMinutes = max(1, left*sum/max(1, points))
		left, points = max(0, left-s.TimeEstimateMinutes), points-sum
	}
}

// questionTypes returns the requested question types without duplicates, or all of them.
func questionTypes(o study.Options) []string {
	var out []string
	for _, t := range o.QuestionTypes {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		out = []string{study.MultipleChoice, study.TrueFalse, study.ShortAnswer}
	}
	return out
}
