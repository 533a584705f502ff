// Package prompt turns a study.Brief into the conversation a language model reads,
// and what the model answers back into a study.Aid. The one idea: a prompt has one
// place for orders (the system turn), one for the student's wish, and one fenced
// place for source text, whose fence the text cannot forge; whatever stands inside
// the fence is data. It is pure: no clock, no network, equal input, equal output.
package prompt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"studysharper/app/study"
)

// Version names the wording of the prompts. It is part of every cache key: change it
// with the wording, and answers to the old one are not served for the new.
const Version = "2"

// Bounds of what is sent.
const (
	maxAnswerTokens   = 16_000
	maxEchoRunes      = 16_000 // of a faulty answer sent back with its correction
	maxFaultsSentBack = 12
)

// Build writes the prompt of a task: the system turn, the history, then one user
// turn with the student's words, the wishes and the fenced material.
func Build(b study.Brief) study.Prompt {
	t := tasks[b.Type]
	turns := make([]study.Turn, 0, len(b.History)+2)
	turns = append(turns, study.Turn{Role: study.RoleSystem, Text: system(t)})
	turns = append(turns, b.History...)
	turns = append(turns, study.Turn{Role: study.RoleUser, Text: ask(b)})
	return study.Prompt{
		Turns: turns, Brief: b,
		MaxTokens: min(t.tokens+t.tokensEach*study.Asked(b.Type, b.Options), maxAnswerTokens),
		JSON:      b.Type != study.Chat,
	}
}

// Correct is p once more with the answer it got and what was wrong with that. It
// builds on the first prompt, so corrections of corrections do not pile up.
func Correct(p study.Prompt, answer string, faults []string) study.Prompt {
	var b strings.Builder
	b.WriteString("That answer was not accepted:\n")
	for _, f := range faults[:min(len(faults), maxFaultsSentBack)] {
		b.WriteString("- " + f + "\n")
	}
	b.WriteString("Send the whole answer again with this put right")
	if p.JSON {
		b.WriteString(", as one JSON object of the shape asked for and nothing else")
	}
	b.WriteString(".")
	p.Turns = append(slices.Clip(p.Turns),
		study.Turn{Role: study.RoleAssistant, Text: clip(answer, maxEchoRunes)},
		study.Turn{Role: study.RoleUser, Text: b.String()})
	return p
}

func system(t task) string {
	var b strings.Builder
	b.WriteString(t.order)
	if t.shape != "" {
		b.WriteString("\n\nAnswer with one JSON object and nothing else: no prose, no code fence. Its exact shape:\n")
		b.WriteString(t.shape)
	}
	b.WriteString(dataRule)
	return b.String()
}

// ask is the user turn.
func ask(b study.Brief) string {
	var out strings.Builder
	if said := strings.TrimSpace(b.Message); said != "" && said != strings.TrimSpace(b.Material) {
		out.WriteString(said + "\n\n")
	}
	if wishes := wishes(b); len(wishes) > 0 {
		out.WriteString("Wishes:\n- " + strings.Join(wishes, "\n- ") + "\n\n")
	}
	if strings.TrimSpace(b.Material) == "" {
		out.WriteString("There is no material.")
	} else {
		out.WriteString(fenced("MATERIAL", b.Material))
	}
	return strings.TrimSpace(out.String())
}

// fenced puts a text between two lines that carry its own digest: a text cannot hold
// its digest, so nothing in it can close the fence early.
func fenced(name, text string) string {
	sum := sha256.Sum256([]byte(text))
	mark := hex.EncodeToString(sum[:8])
	return "<<<" + name + " " + mark + "\n" + text + "\n" + name + " " + mark + ">>>"
}

// wishes puts the options, and what is known of the student, into words.
func wishes(b study.Brief) []string {
	t, o := b.Type, b.Options
	var list []string
	add := func(set bool, format string, args ...any) {
		if set {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	asked := study.Asked(t, o)
	add(asked > 0, "exactly %d %s; fewer only if the material holds no more", asked, tasks[t].items)
	add(o.Topic != "", "topic: %s", strconv.Quote(o.Topic))
	add(o.Difficulty == study.Adaptive, "difficulty: from easy to hard, mixed")
	add(o.Difficulty != "" && o.Difficulty != study.Adaptive, "difficulty: %s", o.Difficulty)
	add(len(o.QuestionTypes) > 0, "question types: only %s", strings.Join(o.QuestionTypes, ", "))
	add(o.Sections > 0, "exactly %d sections (fewer only if there are fewer questions)", o.Sections)
	add(o.DurationMinutes > 0 && t == study.Exam, "duration_minutes: %d", o.DurationMinutes)
	add(o.DurationMinutes > 0 && t == study.Plan, "about %d minutes a session", o.DurationMinutes)
	add(o.Length != "", "length: %s", lengths[o.Length])
	add(o.Style != "", "style of the text: %s", strings.ReplaceAll(o.Style, "_", " "))
	for _, area := range o.FocusAreas {
		add(true, "focus on: %s", strconv.Quote(area))
	}
	add(b.Detail != "", "%s", details[b.Detail])
	add(len(b.Progress) > 0, "aids the student has already, perhaps on other topics, to build on where they fit: %s", strings.Join(b.Progress, ", "))
	return list
}

// clip shortens s to n runes.
func clip(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
