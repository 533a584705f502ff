package parse

import (
	"maps"
	"slices"
	"strings"

	"studysharper/app/study"
)

// wrappers are the fields that hold the content of a type, our own name first.
var wrappers = map[study.Type][]string{
	study.Flashcards: {"flashcards", "cards", "flash_cards", "deck"},
	study.Quiz:       {"quiz"},
	study.Exam:       {"exam", "test"},
	study.Summary:    {"summary"},
	study.Analysis:   {"analysis"},
	study.Plan:       {"plan", "study_plan", "schedule"},
}

// inner are the fields by which the content of a type is recognized without a wrapper.
var inner = map[study.Type][]string{
	study.Flashcards: {"flashcards", "cards"},
	study.Quiz:       {"questions"},
	study.Exam:       {"sections", "questions"},
	study.Summary:    {"main_points"},
	study.Analysis:   {"strengths", "gaps", "key_concepts", "suggestions"},
	study.Plan:       {"sessions"},
}

// names are what models call the fields of items, by our name for them.
var names = map[string][]string{
	"question":           {"front", "q", "prompt", "statement"},
	"answer":             {"back", "a", "definition"},
	"options":            {"choices"},
	"correct_answer":     {"correct_index", "correct_option", "correct", "answer_index", "answer", "solution"},
	"acceptable_answers": {"accepted_answers", "answers"},
	"points":             {"marks", "score", "weight"},
	"evidence":           {"quote", "source_quote"},
	"term":               {"word", "name"},
	"definition":         {"meaning", "explanation"},
	"point":              {"text", "title"},
	"minutes":            {"duration_minutes", "duration"},
	"activities":         {"tasks"},
	"section_name":       {"name", "title"},
}

// canonical brings what a model answered into the shape of the type, with every field of the
// right JSON type. known is false for anything else; shaped is nil if only the name is right.
func canonical(t study.Type, value any) (shaped map[string]any, known bool) {
	if list, ok := value.([]any); ok && len(list) > 0 { // the items alone
		if _, ok := list[0].(map[string]any); ok && (t == study.Flashcards || t == study.Quiz) {
			value = map[string]any{inner[t][0]: list}
		}
	}
	value = snakeKeys(value)
	top, _ := value.(map[string]any)
	for _, name := range wrappers[t] {
		content, ok := top[name]
		if again, double := content.(map[string]any); double && again[name] != nil {
			content = again[name]
		}
		if ok {
			return shape(t, top, content), true
		}
	}
	for _, name := range inner[t] {
		if _, ok := top[name]; ok {
			return shape(t, top, maps.Clone(top)), true
		}
	}
	return nil, false
}

// shape puts the content under our own name and repairs its items; nil if it has no items.
func shape(t study.Type, top map[string]any, content any) map[string]any {
	out := map[string]any{}
	number(top, "estimated_time_minutes")
	if minutes, ok := top["estimated_time_minutes"]; ok {
		out["estimated_time_minutes"] = minutes
	}
	list, isList := content.([]any)
	body, isObject := content.(map[string]any)
	if t == study.Flashcards {
		if isObject { // a deck with its cards inside
			list, isList = firstList(body)
		}
		if !isList {
			return nil
		}
		out["flashcards"] = items(list, card)
		return out
	}
	if isList {
		body = map[string]any{inner[t][0]: list}
	} else if !isObject {
		return nil
	}
	switch t {
	case study.Quiz:
		fill(body, "title", "Quiz")
		itemsOf(body, "questions", question)
	case study.Exam:
		shapeExam(body)
	case study.Summary:
		text(body, "title", "text")
		fill(body, "title", "Summary")
		itemsOf(body, "main_points", point)
		itemsOf(body, "key_terms", keyTerm)
	case study.Analysis:
		textList(body, "strengths", "gaps", "key_concepts", "suggestions")
	case study.Plan:
		fill(body, "title", "Study plan")
		itemsOf(body, "sessions", session)
	}
	text(body, "title")
	out[wrappers[t][0]] = body
	return out
}

// firstList is the list in an object that has only one.
func firstList(object map[string]any) (list []any, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if list, ok = object[name].([]any); ok {
			return list, true
		}
	}
	return nil, false
}

func shapeExam(body map[string]any) {
	if list, ok := body["questions"].([]any); ok && body["sections"] == nil {
		body["sections"] = []any{map[string]any{"questions": list}}
	}
	fill(body, "title", "Exam")
	number(body, "duration_minutes", "total_points")
	itemsOf(body, "sections", func(s map[string]any) {
		rename(s, "section_name")
		text(s, "section_name", "instructions")
		fill(s, "section_name", "Questions")
		fill(s, "instructions", "Answer all questions.")
		number(s, "time_estimate_minutes")
		itemsOf(s, "questions", question)
	})
}

// cite turns the quote that proves an item into its source. Ids and verdicts are ours to give.
func cite(item map[string]any) {
	rename(item, "evidence")
	quote := plainText(item["evidence"])
	if quote == "" {
		quote = plainText(item["source"])
	}
	for _, field := range []string{"evidence", "source", "id", "unverified"} {
		delete(item, field)
	}
	if strings.TrimSpace(quote) != "" {
		item["source"] = map[string]any{"quote": quote}
	}
}

func card(c map[string]any) {
	cite(c)
	rename(c, "question", "answer")
	text(c, "question", "answer", "topic", "difficulty")
	fill(c, "topic", "General")
	fill(c, "difficulty", study.Medium)
	lower(c, "difficulty")
}

func question(q map[string]any) {
	cite(q)
	rename(q, "question", "options", "acceptable_answers", "points")
	if q["correct_answer"] == nil {
		delete(q, "correct_answer")
	}
	rename(q, "correct_answer")
	if byLetter, ok := q["options"].(map[string]any); ok { // {"A": …, "B": …}
		list := make([]any, 0, len(byLetter))
		for _, letter := range slices.Sorted(maps.Keys(byLetter)) {
			list = append(list, byLetter[letter])
		}
		q["options"] = list
	}
	text(q, "type", "question", "sample_answer", "rubric", "explanation")
	number(q, "points")
	textList(q, "options", "acceptable_answers")
	switch answer := q["correct_answer"].(type) {
	case []any:
		if delete(q, "correct_answer"); len(answer) > 0 {
			q["correct_answer"] = answer[0]
		}
	case map[string]any:
		q["correct_answer"] = plainText(answer)
	}
}

func point(p map[string]any) {
	cite(p)
	rename(p, "point")
	text(p, "point", "details", "importance")
	fill(p, "importance", "medium")
	lower(p, "importance")
}

func keyTerm(k map[string]any) {
	cite(k)
	rename(k, "term", "definition")
	text(k, "term", "definition")
}

func session(s map[string]any) {
	rename(s, "minutes", "activities")
	number(s, "day", "minutes")
	text(s, "topic")
	textList(s, "activities")
}
