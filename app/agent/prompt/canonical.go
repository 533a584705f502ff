package prompt

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"studysharper/app/study"
)

// wrappers are the fields by which the object of a type is known, our own name first.
var wrappers = map[study.Type][]string{
	study.Flashcards: {"flashcards", "cards", "flash_cards", "deck"},
	study.Quiz:       {"quiz"},
	study.Exam:       {"exam", "test"},
	study.Summary:    {"summary"},
	study.Analysis:   {"analysis"},
	study.Plan:       {"plan", "study_plan", "schedule"},
}

// inner are the fields of the object itself, by which it is known without a wrapper.
var inner = map[study.Type][]string{
	study.Flashcards: {"flashcards", "cards"},
	study.Quiz:       {"questions"},
	study.Exam:       {"sections"},
	study.Summary:    {"main_points"},
	study.Analysis:   {"strengths", "gaps", "key_concepts", "suggestions"},
	study.Plan:       {"sessions"},
}

// names are what models call the fields of items, by our name for them.
var names = map[string][]string{
	"question":           {"front", "q", "prompt", "statement"},
	"answer":             {"back", "a", "definition"},
	"options":            {"choices"},
	"correct_answer":     {"correct_option", "correct", "correct_index", "answer_index", "answer", "solution"},
	"acceptable_answers": {"accepted_answers", "answers"},
	"points":             {"marks", "score"},
	"term":               {"word", "name"},
	"definition":         {"meaning", "explanation"},
	"point":              {"text", "title"},
	"minutes":            {"duration_minutes", "duration"},
	"activities":         {"tasks"},
	"section_name":       {"name", "title"},
}

// canonical brings what a model answered into the shape of the type. It is false where that is
// not what was asked for.
func canonical(t study.Type, value any) (map[string]any, bool) {
	if list, ok := value.([]any); ok && len(list) > 0 { // the items alone
		if _, ok := list[0].(map[string]any); ok && t == study.Flashcards || ok && t == study.Quiz {
			value = map[string]any{inner[t][0]: list}
		}
	}
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

// shape puts the content under our own name and repairs its items.
func shape(t study.Type, top map[string]any, content any) map[string]any {
	out := maps.Clone(top)
	out[wrappers[t][0]] = content
	body, _ := content.(map[string]any)
	switch t {
	case study.Flashcards:
		out["flashcards"] = cards(content)
	case study.Quiz:
		if list, ok := content.([]any); ok {
			body = map[string]any{"questions": list}
			out["quiz"] = body
		}
		fill(body, "title", "Quiz")
		eachItem(body, "questions", questionFields)
	case study.Exam:
		shapeExam(body)
	case study.Summary:
		eachItem(body, "main_points", func(p map[string]any) { rename(p, "point"); fill(p, "importance", "medium"); lower(p, "importance") })
		eachItem(body, "key_terms", func(p map[string]any) { rename(p, "term", "definition") })
	case study.Plan:
		fill(body, "title", "Study plan")
		eachItem(body, "sessions", func(s map[string]any) {
			rename(s, "minutes", "activities")
			number(s, "day", "minutes")
			textList(s, "activities")
		})
	}
	for _, name := range []string{"total_count", "total_points", "estimated_time_minutes", "word_count", "estimated_reading_time_minutes"} {
		number(out, name)
	}
	return out
}

// cards are those that have both sides; where none has, Check names what is missing.
func cards(content any) any {
	list, ok := content.([]any)
	if !ok {
		return content
	}
	whole := make([]any, 0, len(list))
	for _, item := range list {
		card, ok := item.(map[string]any)
		if !ok {
			continue
		}
		rename(card, "question", "answer")
		fill(card, "topic", "General")
		fill(card, "difficulty", study.Medium)
		lower(card, "difficulty")
		if filled(card, "question") && filled(card, "answer") {
			whole = append(whole, card)
		}
	}
	if len(whole) == 0 {
		return list
	}
	return whole
}

func shapeExam(body map[string]any) {
	if list, ok := body["questions"].([]any); ok && body["sections"] == nil {
		body["sections"] = []any{map[string]any{"section_name": "Questions", "questions": list}}
	}
	fill(body, "title", "Exam")
	number(body, "duration_minutes", "total_points")
	eachItem(body, "sections", func(s map[string]any) {
		rename(s, "section_name")
		fill(s, "section_name", "Questions")
		fill(s, "instructions", "Answer all questions.")
		number(s, "time_estimate_minutes")
		eachItem(s, "questions", questionFields)
	})
}

func questionFields(q map[string]any) {
	rename(q, "question", "options", "correct_answer", "acceptable_answers", "points")
	number(q, "points")
	if byLetter, ok := q["options"].(map[string]any); ok { // {"A": …, "B": …}
		list := make([]any, 0, len(byLetter))
		for _, letter := range slices.Sorted(maps.Keys(byLetter)) {
			list = append(list, byLetter[letter])
		}
		q["options"] = list
	}
	textList(q, "options", "acceptable_answers")
	if answers, ok := q["correct_answer"].([]any); ok && len(answers) > 0 {
		q["correct_answer"] = answers[0]
	}
}

// eachItem repairs the objects of a list, and leaves out what is not an object.
func eachItem(body map[string]any, field string, repair func(map[string]any)) {
	list, ok := body[field].([]any)
	if !ok {
		return
	}
	whole := make([]any, 0, len(list))
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			repair(object)
			whole = append(whole, object)
		}
	}
	body[field] = whole
}

// rename gives fields our names, where ours are not there.
func rename(item map[string]any, fields ...string) {
	for _, field := range fields {
		for _, name := range names[field] {
			if _, ok := item[field]; ok {
				break
			}
			if value, ok := item[name]; ok {
				item[field] = value
				delete(item, name)
			}
		}
	}
}

// fill puts a text where there is none.
func fill(item map[string]any, field, text string) {
	if item != nil && !filled(item, field) {
		item[field] = text
	}
}

func filled(item map[string]any, field string) bool {
	text, ok := item[field].(string)
	return ok && strings.TrimSpace(text) != ""
}

func lower(item map[string]any, field string) {
	if text, ok := item[field].(string); ok {
		item[field] = strings.ToLower(strings.TrimSpace(text))
	}
}

// number reads whole numbers that are written as text, "30 minutes" say. What is not one is
// left out.
func number(item map[string]any, fields ...string) {
	for _, field := range fields {
		switch v := item[field].(type) {
		case string:
			if n, ok := firstNumber(v); ok {
				item[field] = n
			} else {
				delete(item, field)
			}
		case float64:
			item[field] = float64(int(min(max(v, -1e6), 1e6)))
		}
	}
}

func firstNumber(s string) (float64, bool) {
	begin := strings.IndexAny(s, "0123456789")
	if begin < 0 {
		return 0, false
	}
	s = s[begin:]
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	return float64(min(n, 1e6)), err == nil
}

// textList makes a list of texts of a single text, and texts of numbers.
func textList(item map[string]any, fields ...string) {
	for _, field := range fields {
		switch v := item[field].(type) {
		case string:
			item[field] = []any{v}
		case []any:
			for i, entry := range v {
				switch entry := entry.(type) {
				case float64:
					v[i] = strconv.FormatFloat(entry, 'g', -1, 64)
				case map[string]any:
					if text, ok := entry["text"].(string); ok {
						v[i] = text
					}
				}
			}
		}
	}
}
