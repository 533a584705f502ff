package parse

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"studysharper/app/study"
)

const searchDepth = 4 // levels of objects and lists around the content

// search finds the content of a type in a value whose fields have unexpected names, by its structure: a list of items,
// an object of items, or one item. It returns nil if there is none.
func search(t study.Type, value any, depth int) any {
	if isContent(t, value) {
		return value
	}
	if object, ok := value.(map[string]any); ok && looksLike(t, object) {
		return []any{object}
	}
	if list := asItems(t, value); list != nil {
		if t == study.Exam {
			return []any{map[string]any{"questions": list}}
		}
		return list
	}
	if depth == 0 {
		return nil
	}
	for inside := range insideOf(value) {
		if found := search(t, inside, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// insideOf yields the values of an object, in the order of their names, or those of a list.
func insideOf(value any) iter.Seq[any] {
	return func(yield func(any) bool) {
		switch v := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if !yield(v[name]) {
					return
				}
			}
		case []any:
			for _, entry := range v {
				if !yield(entry) {
					return
				}
			}
		}
	}
}

// withParsedStrings returns a copy of a value in which objects and lists that were written as strings are parsed.
func withParsedStrings(value any, depth int) any {
	switch v := value.(type) {
	case string:
		if s := strings.TrimSpace(v); depth > 0 && (strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[")) {
			parsed, _, _ := parseRelaxed(s)
			return parsed
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, entry := range v {
			out[name] = withParsedStrings(entry, depth-1)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, entry := range v {
			out[i] = withParsedStrings(entry, depth-1)
		}
		return out
	}
	return value
}

// isContent reports whether a value is the body of a type whose content is not a list of items, or a list of an exam's
// sections.
func isContent(t study.Type, value any) bool {
	object, _ := value.(map[string]any)
	fields := 0
	for _, field := range inner[t] {
		if has(object, field) {
			fields++
		}
	}
	switch t {
	case study.Summary:
		return fields > 0
	case study.Analysis:
		return fields > 1
	case study.Exam:
		list, _ := value.([]any)
		for _, entry := range list {
			section, _ := entry.(map[string]any)
			if section == nil || asItems(t, firstOf(section, "questions")) == nil {
				return false
			}
		}
		return len(list) > 0
	default:
		return false
	}
}

// asItems reads a value as a list of items: a list in which at least half of the entries look like items, or an object
// with items in its fields, in the order of their names ("q2" before "q10").
func asItems(t study.Type, value any) []any {
	list, _ := value.([]any)
	if object, ok := value.(map[string]any); ok {
		for _, name := range slices.SortedFunc(maps.Keys(object), byNumber) {
			if entry, ok := object[name].(map[string]any); ok {
				if t == study.Plan && looksLike(t, entry) && !has(entry, "day") {
					entry["day"] = name
				}
				list = append(list, entry)
			}
		}
	}
	alike := 0
	for i, entry := range list {
		if pair, ok := entry.([]any); ok && t == study.Flashcards && len(pair) == 2 {
			list[i] = map[string]any{"question": pair[0], "answer": pair[1]}
		}
		if object, ok := list[i].(map[string]any); ok && looksLike(t, object) {
			alike++
		}
	}
	if alike == 0 || 2*alike < len(list) {
		return nil
	}
	return list
}

// byNumber orders names by their first number, then as text.
func byNumber(a, b string) int {
	x, okA := firstNumber(a)
	y, okB := firstNumber(b)
	if okA && okB {
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	}
	return cmp.Compare(a, b)
}

// looksLike reports whether an object is an item of the type.
func looksLike(t study.Type, object map[string]any) bool {
	switch t {
	case study.Flashcards:
		if within, ok := object["flashcard"].(map[string]any); ok {
			object = within
		}
		c := maps.Clone(object)
		renameCard(c)
		return isText(c["question"]) && c["answer"] != nil
	case study.Quiz, study.Exam:
		return has(object, "question") && (has(object, "options") || has(object, "correct_answer") || has(object, "acceptable_answers") || has(object, "sample_answer"))
	case study.Plan:
		return has(object, "topic") && (has(object, "activities") || has(object, "minutes") || has(object, "day"))
	default:
		return false
	}
}

func isText(value any) bool { return strings.TrimSpace(plainText(value)) != "" }

// flatDays replaces days and weeks that contain several sessions by the sessions.
func flatDays(value any) any {
	list := asItems(study.Plan, value)
	if list == nil {
		list, _ = value.([]any)
	}
	var flat []any
	for i, entry := range list {
		day, _ := entry.(map[string]any)
		inside := asItems(study.Plan, firstOf(day, "sessions"))
		if inside == nil && len(day) > 0 {
			inside = asItems(study.Plan, firstOf(day, "activities"))
		}
		if inside == nil {
			flat = append(flat, entry)
			continue
		}
		for _, sit := range inside {
			if object, ok := sit.(map[string]any); ok {
				if !has(object, "day") {
					object["day"] = cmp.Or(firstOf(day, "day"), any("Day "+strconv.Itoa(i+1)))
				}
				flat = append(flat, object)
			}
		}
	}
	return flat
}
