package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"studysharper/app/study"
)

// writer writes Markdown; Flush returns the error of the underlying writer.
type writer struct{ out *bufio.Writer }

func (w writer) line(format string, args ...any) { fmt.Fprintf(w.out, format+"\n", args...) }

// paragraph writes a text, which may be Markdown, and an empty line. It ignores an empty text.
func (w writer) paragraph(text string) {
	if text = strings.TrimSpace(text); text != "" {
		w.line("%s\n", text)
	}
}

// list writes a heading and the entries below it, or nothing if there are no entries.
func (w writer) list(heading string, entries []string) {
	if len(entries) == 0 {
		return
	}
	w.line("## %s\n", heading)
	for _, e := range entries {
		w.line("- %s", oneLine(e))
	}
	w.line("")
}

func writeMarkdown(w io.Writer, d document) error {
	out := writer{bufio.NewWriter(w)}
	out.line("# %s\n", d.title)
	switch aid := d.aid.(type) {
	case *study.FlashcardSet:
		out.cards(d.cards)
	case *study.QuizSet, *study.ExamSet:
		out.questions(d.parts)
	case *study.SummarySet:
		out.summary(aid.Summary)
	case *study.AnalysisSet:
		out.list("Strengths", aid.Analysis.Strengths)
		out.list("Gaps", aid.Analysis.Gaps)
		out.list("Key concepts", aid.Analysis.KeyConcepts)
		out.list("Suggestions", aid.Analysis.Suggestions)
	case *study.PlanSet:
		out.plan(aid.Plan)
	}
	return out.out.Flush()
}

func (w writer) cards(cards []card) {
	for i, c := range cards {
		w.line("## %d. %s\n", i+1, oneLine(c.Question))
		w.paragraph(c.Answer)
		if source := sourceText(c.Source); source != "" {
			w.line("> %s\n", source)
		}
	}
}

// questions writes the questions as a student sees them, and then the answer key with the same numbers.
func (w writer) questions(parts []part) {
	number := 0
	for _, p := range parts {
		if name := oneLine(p.Name); name != "" {
			w.line("## %s\n", name)
		}
		w.paragraph(p.Instructions)
		for _, q := range p.Questions {
			number++
			w.question(number, q)
		}
	}
	w.line("## Key\n")
	number = 0
	for _, p := range parts {
		for _, q := range p.Questions {
			number++
			w.key(number, q)
		}
	}
}

func (w writer) question(number int, q question) {
	w.line("%s\n", indented(number, q.Question.Question+points(q.Points)))
	switch {
	case q.Type == study.TrueFalse:
		w.line("    - True\n    - False\n")
	case len(q.Options) > 0:
		for i, option := range q.Options {
			w.line("    - %c) %s", 'A'+rune(i), oneLine(option))
		}
		w.line("")
	}
}

func points(n int) string {
	switch {
	case n == 1:
		return " (1 point)"
	case n > 1:
		return fmt.Sprintf(" (%d points)", n)
	default:
		return ""
	}
}

// indented formats a text as an entry of a numbered list, even if it has several lines.
func indented(number int, text string) string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n")
	for i := 1; i < len(lines); i++ {
		if lines[i] != "" {
			lines[i] = "    " + lines[i]
		}
	}
	return fmt.Sprintf("%d. %s", number, strings.Join(lines, "\n"))
}

func (w writer) key(number int, q question) {
	lines := []string{"**" + oneLine(rightAnswer(q)) + "**"}
	for _, p := range [][2]string{{"", q.Explanation}, {"Rubric: ", q.Rubric}, {"Source: ", sourceText(q.Source)}} {
		if text := oneLine(p[1]); text != "" {
			lines = append(lines, p[0]+text)
		}
	}
	w.line("%s\n", indented(number, strings.Join(lines, "\n\n")))
}

// rightAnswer returns a question's answer for people, with the letter of its option.
func rightAnswer(q question) string {
	switch right := q.CorrectAnswer.(type) {
	case bool:
		return map[bool]string{true: "True", false: "False"}[right]
	case string:
		for i, option := range q.Options {
			if option == right {
				return fmt.Sprintf("%c) %s", 'A'+rune(i), right)
			}
		}
		if right != "" {
			return right
		}
	}
	if len(q.AcceptableAnswers) > 0 {
		return strings.Join(q.AcceptableAnswers, " / ")
	}
	return q.SampleAnswer
}

func (w writer) summary(s study.SummaryBody) {
	w.paragraph(s.Text)
	if len(s.MainPoints) > 0 {
		w.line("## Main points\n")
		for _, p := range s.MainPoints {
			w.line("- **%s**", oneLine(p.Point))
			if details := oneLine(p.Details); details != "" {
				w.line("  %s", details)
			}
		}
		w.line("")
	}
	if len(s.KeyTerms) > 0 {
		w.line("## Key terms\n")
		for _, t := range s.KeyTerms {
			w.line("- **%s**: %s", oneLine(t.Term), oneLine(t.Definition))
		}
		w.line("")
	}
}

func (w writer) plan(p study.PlanBody) {
	day := 0
	for _, s := range p.Sessions {
		if s.Day != day {
			day = s.Day
			w.line("## Day %d\n", day)
		}
		w.line("### %s (%d min)\n", oneLine(s.Topic), s.Minutes)
		for _, a := range s.Activities {
			w.line("- [ ] %s", oneLine(a))
		}
		w.line("")
	}
}
