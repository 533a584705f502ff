package study

import (
	"cmp"
	"slices"
)

// knownOptions returns the options that a type uses; the others are ignored.
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

// As returns the request as one of type t: options that t does not use are removed and listed in Ignored. It is called
// once the type is determined, because a chat may turn out to ask for a quiz. Options that the student did not set stay
// empty; see Filled.
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

// Filled returns the request with values for the options that the student did not set: first the preferences, if the
// type has such an option, then the type's defaults. A preference that is not a valid value of the option is ignored.
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

// Prefers reports whether a preference may set the option, "difficulty" or "length": the type has the option, and the
// student did not set it.
func (r Request) Prefers(option string) bool {
	open := option == "difficulty" && r.Options.Difficulty == "" || option == "length" && r.Options.Length == ""
	return open && slices.Contains(knownOptions(r.Type), option)
}

// only returns the known options.
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

// withDefaults sets the options that the student did not set. A plan's Count stays 0: one session for each section of
// the text.
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
