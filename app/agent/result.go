package agent

import (
	"context"
	"fmt"
	"strings"
	"time"

	"studysharper/app/study"
	"studysharper/app/text"
)

const titleRunes = 80 // of a session or a saved aid

// finish saves the answer and composes the result. It does not fail: an answer that cannot be saved is still returned.
func (o *Orchestrator) finish(ctx context.Context, r *run, t task, warnings []string, got answer) Outcome {
	res := study.Result{
		Success: true, Intent: r.req.Type, Data: got.aid, Validation: got.validation, UserID: r.req.UserID, Message: summaryText(got.aid),
		IgnoredOptions: append([]string{}, r.req.Ignored...), Warnings: append([]string{}, r.req.Warnings...),
	}
	res.Warnings = append(append(res.Warnings, warnings...), got.warnings...)
	res.Metadata = study.Metadata{ExecutionTimeMS: time.Since(r.began).Milliseconds(), TokensUsed: r.usage.Tokens.Total, ModelUsed: r.model, Usage: r.usage}
	if r.req.Type != study.Chat {
		res.ContextUsed = &got.used
	}
	out := Outcome{RunID: r.id, Result: res, FromCache: got.received, Age: got.age}
	if err := o.save(ctx, r, t, got, &out); err != nil {
		o.deps.Log.Warn("answer not saved", "run", r.id, "error", err)
		out.Result.Warnings = append(out.Result.Warnings, "not saved: the answer could not be stored")
		out.Result.Saved, out.Result.SessionID = &study.Saved{Failed: true}, r.req.SessionID
	}
	return out
}

// summaryText tells a student in one line what was made.
func summaryText(a study.Aid) string {
	n := study.Items(a)
	switch a.Type() {
	case study.Flashcards:
		return fmt.Sprintf("Made %s", pluralize(n, "flashcard"))
	case study.Quiz:
		return fmt.Sprintf("Made a quiz of %s", pluralize(n, "question"))
	case study.Exam:
		return fmt.Sprintf("Made an exam of %s", pluralize(n, "question"))
	case study.Summary:
		return "Made a summary"
	case study.Analysis:
		return "Analysed the notes"
	case study.Plan:
		return fmt.Sprintf("Made a study plan of %s", pluralize(n, "session"))
	default:
		return "Answered"
	}
}

func pluralize(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// title returns a title for the answer: its own, the requested topic, the title of the source text, or the student's
// words.
func title(req study.Request, aid study.Aid, material string) string {
	own := ""
	switch s := aid.(type) {
	case *study.QuizSet:
		own = s.Quiz.Title
	case *study.ExamSet:
		own = s.Exam.Title
	case *study.SummarySet:
		own = s.Summary.Title
	case *study.PlanSet:
		own = s.Plan.Title
	}
	for _, c := range []string{own, req.Options.Topic, titleOf(aid, material), req.Message, firstLine(aid, material), summaryText(aid)} {
		if c = strings.Join(strings.Fields(text.ClipRunes(c, 5*titleRunes)), " "); c != "" {
			return text.ClipRunes(c, titleRunes)
		}
	}
	return ""
}

// beginning returns the beginning of an aid's material, in which the title is searched.
func beginning(b study.Brief) string {
	if b.Material != "" || len(b.Documents) == 0 {
		return b.Material
	}
	first := b.Documents[0]
	first.Text = text.ClipRunes(first.Text, titleSearchRunes)
	return joinDocuments([]study.Document{first})
}

// firstLine returns the first line of an aid's material, which is used if there is no better title.
func firstLine(aid study.Aid, material string) string {
	if aid.Type() == study.Chat {
		return ""
	}
	for line := range strings.Lines(text.ClipRunes(material, titleSearchRunes)) {
		if line = strings.Trim(line, " \t\r\n#*->•"); line != "" {
			return line
		}
	}
	return ""
}

// titleSearchRunes is how much of a text is searched for its title.
const titleSearchRunes = 1000

// titleOf returns the heading at the beginning of an aid's material; for a note, this is the note's title.
func titleOf(aid study.Aid, material string) string {
	if aid.Type() == study.Chat {
		return "" // a conversation is named by its first question
	}
	sections := text.Sections(text.ClipRunes(material, titleSearchRunes))
	if len(sections) == 0 {
		return ""
	}
	return sections[0].Heading
}
