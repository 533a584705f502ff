package study

import (
	"cmp"
	"slices"
)

// knownOptions names the options each type reads; the others are ignored.
func knownOptions(t Type) []string {
	known := []string{"content", "topic"}
	switch t {
	case Flashcards:
		return append(known, "count", "difficulty")
	case Quiz:
		return append(known, "question_count", "question_types", "difficulty")
	case Exam:
		return append(known, "question_count", "question_types", "difficulty", "duration_minutes", "sections")
	case Summary:
		return append(known, "length", "style", "focus_areas")
	case Analysis:
		return append(known, "focus_areas")
	case Plan:
		return append(known, "count", "duration_minutes", "focus_areas")
	default:
		return known
	}
}

// As gives the request as one of type t: options that t does not know are taken
// out and named in Ignored. It is called once the type is settled, for a chat may turn
// out to ask for a quiz. What the student left open stays so; see Filled.
func (r Request) As(t Type) Request {
	r.Type = t
	known := knownOptions(t)
	r.Ignored = nil
	for _, name := range r.Given {
		if !slices.Contains(known, name) {
			r.Ignored = append(r.Ignored, name)
		}
	}
	r.Options = r.Options.only(known)
	return r
}

// Filled gives the request with what the student left open: first the preferences,
// where the type knows such an option, then the type's defaults. A preference that is
// no value of the option counts as none.
func (r Request) Filled(p Preferences) Request {
	if r.Prefers("difficulty") && slices.Contains([]string{Easy, Medium, Hard, Adaptive}, p.Difficulty) {
		r.Options.Difficulty = p.Difficulty
	}
	if r.Prefers("length") && slices.Contains([]string{Short, Medium, Long}, p.Detail) {
		r.Options.Length = p.Detail
	}
	r.Options = r.Options.withDefaults(r.Type)
	return r
}

// Prefers reports whether a preference may fill the option, "difficulty" or "length":
// the type knows it and the student left it open.
func (r Request) Prefers(option string) bool {
	open := option == "difficulty" && r.Options.Difficulty == "" || option == "length" && r.Options.Length == ""
	return open && slices.Contains(knownOptions(r.Type), option)
}

// only keeps the known options.
func (o Options) only(known []string) Options {
	kept := Options{}
	for _, name := range known {
		switch name {
		case "content":
			kept.Content = o.Content
		case "topic":
			kept.Topic = o.Topic
		case "difficulty":
			kept.Difficulty = o.Difficulty
		case "count":
			kept.Count = o.Count
		case "question_count":
			kept.QuestionCount = o.QuestionCount
		case "question_types":
			kept.QuestionTypes = o.QuestionTypes
		case "duration_minutes":
			kept.DurationMinutes = o.DurationMinutes
		case "sections":
			kept.Sections = o.Sections
		case "length":
			kept.Length = o.Length
		case "style":
			kept.Style = o.Style
		case "focus_areas":
			kept.FocusAreas = o.FocusAreas
		}
	}
	return kept
}

// withDefaults fills what a student left open. A plan's Count stays 0: one
// session for each section of the text.
func (o Options) withDefaults(t Type) Options {
	switch t {
	case Flashcards:
		o.Count = cmp.Or(o.Count, 10)
		o.Difficulty = cmp.Or(o.Difficulty, Medium)
	case Quiz:
		o.QuestionCount = cmp.Or(o.QuestionCount, 10)
		o.Difficulty = cmp.Or(o.Difficulty, Medium)
	case Exam:
		o.QuestionCount = cmp.Or(o.QuestionCount, 15)
		o.Sections = min(cmp.Or(o.Sections, 3), o.QuestionCount)
		o.DurationMinutes = cmp.Or(o.DurationMinutes, 60)
		o.Difficulty = cmp.Or(o.Difficulty, Medium)
	case Summary:
		o.Length = cmp.Or(o.Length, Medium)
		o.Style = cmp.Or(o.Style, BulletPoints)
	case Plan:
		o.DurationMinutes = cmp.Or(o.DurationMinutes, 30)
	}
	if len(o.QuestionTypes) == 0 && (t == Quiz || t == Exam) {
		o.QuestionTypes = []string{MultipleChoice, TrueFalse, ShortAnswer}
	}
	return o
}
