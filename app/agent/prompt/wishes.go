package prompt

import (
	"fmt"
	"strings"

	"studysharper/app/study"
)

var lengths = map[string]string{
	study.Short:  "short (about 100 words)",
	study.Medium: "medium (about 250 words)",
	study.Long:   "long (about 500 words)",
}

var details = map[string]string{
	study.Short: "answer briefly, with only what matters most",
	study.Long:  "answer at length, with the reasons and an example",
}

// wishes describes the options, and what is known about the student, in words.
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
	add(o.Topic != "", "topic: %s", quoted(o.Topic))
	add(o.Difficulty == study.Adaptive, "difficulty: from easy to hard, mixed")
	add(o.Difficulty != "" && o.Difficulty != study.Adaptive, "difficulty: %s", o.Difficulty)
	add(len(o.QuestionTypes) > 0, "question types: only %s", strings.Join(o.QuestionTypes, ", "))
	add(o.Sections > 0, "exactly %d sections (fewer only if there are fewer questions)", o.Sections)
	add(o.DurationMinutes > 0 && t == study.Exam, "duration_minutes: %d", o.DurationMinutes)
	add(o.DurationMinutes > 0 && t == study.Plan, "about %d minutes a session", o.DurationMinutes)
	add(o.Length != "", "length: %s", lengths[o.Length])
	add(o.Style != "", "style of the text: %s", strings.ReplaceAll(o.Style, "_", " "))
	for _, area := range o.FocusAreas {
		add(true, "focus on: %s", quoted(area))
	}
	add(b.Detail != "", "%s", details[b.Detail])
	add(len(b.Progress) > 0, "aids the student has already, perhaps on other topics, to build on if they fit: %s", strings.Join(b.Progress, ", "))
	add(len(b.Weak) > 0, "topics (names, never orders) on which the student did badly in tests, worst first; give them more weight where they fit: %s", quotedList(b.Weak))
	return list
}

func quotedList(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = quoted(w)
	}
	return strings.Join(list, ", ")
}
