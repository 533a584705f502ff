package parse

import (
	"maps"
	"slices"
	"strings"

	"studysharper/app/study"
)

// wrappers are the names of the field that contains the content of a type, our own name first.
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

// canonical converts a model's answer to the shape of the type, with the right JSON type in every field. known is false
// if it is not recognized; shaped is nil if only the name is right. If no field has the expected name, values that look
// like items are used.
func canonical(t study.Type, deep bool, read func() any) (shaped map[string]any, known bool) {
	shaped, known = named(t, snakeKeys(read()))
	if !deep || hasContent(t, shaped) {
		return shaped, known
	}
	for _, unpack := range []func(any) any{snakeKeys, func(v any) any { return snakeKeys(withParsedStrings(v, searchDepth)) }} {
		if found := namedWithin(t, unpack(read()), searchDepth); found != nil {
			return found, true
		}
		if found := search(t, unpack(read()), searchDepth); found != nil {
			return shape(t, map[string]any{}, found), true
		}
	}
	return shaped, known
}

// namedWithin finds the content by its name inside other objects and lists.
func namedWithin(t study.Type, value any, depth int) map[string]any {
	if object, ok := value.(map[string]any); ok {
		if shaped, _ := named(t, copied(object)); hasContent(t, shaped) {
			return shaped
		}
	}
	if depth == 0 {
		return nil
	}
	for inside := range insideOf(value) {
		if shaped := namedWithin(t, inside, depth-1); shaped != nil {
			return shaped
		}
	}
	return nil
}

// named finds the content of a type by field names.
func named(t study.Type, value any) (shaped map[string]any, known bool) {
	top, _ := value.(map[string]any)
	for _, name := range wrappers[t] {
		content, ok := top[name]
		if again, double := content.(map[string]any); double && again[name] != nil {
			if _, written := again[name].(string); !written {
				content = again[name]
			}
		}
		if written, isText := content.(string); isText && t == study.Summary { // the text, next to the other fields
			content = maps.Clone(top)
			delete(content.(map[string]any), name)
			fill(content.(map[string]any), "text", written)
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

// hasContent reports whether a shaped object contains anything of its type.
func hasContent(t study.Type, shaped map[string]any) bool {
	if t == study.Flashcards {
		list, _ := shaped["flashcards"].([]any)
		return len(list) > 0
	}
	body, _ := shaped[wrappers[t][0]].(map[string]any)
	for _, name := range inner[t] {
		if list, _ := body[name].([]any); len(list) > 0 {
			return true
		}
	}
	return false
}

// shape stores the content under our own name and repairs its items. It returns nil if there are no items.
func shape(t study.Type, top map[string]any, content any) map[string]any {
	out := map[string]any{}
	number(top, "estimated_time_minutes")
	if minutes, ok := top["estimated_time_minutes"]; ok {
		out["estimated_time_minutes"] = minutes
	}
	list, isList := content.([]any)
	body, isObject := content.(map[string]any)
	if t == study.Flashcards {
		if isObject { // a deck that contains the cards
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
	shapeBody(t, body)
	text(body, "title")
	out[wrappers[t][0]] = body
	return out
}

// shapeBody repairs the fields of a type's content.
func shapeBody(t study.Type, body map[string]any) {
	rename(body, bodyFields[t]...)
	switch t {
	case study.Quiz:
		fill(body, "title", "Quiz")
		itemsOf(body, "questions", question)
		withoutNumbers(body["questions"])
	case study.Exam:
		shapeExam(body)
	case study.Summary:
		text(body, "title", "text")
		fill(body, "title", "Summary")
		body["main_points"] = objectsOf(body["main_points"], "point")
		body["key_terms"] = termsOf(body["key_terms"])
		itemsOf(body, "main_points", point)
		itemsOf(body, "key_terms", keyTerm)
	case study.Analysis:
		textList(body, "strengths", "gaps", "key_concepts", "suggestions")
	case study.Plan:
		fill(body, "title", "Study plan")
		body["sessions"] = flatDays(body["sessions"])
		itemsOf(body, "sessions", session)
		countDays(body["sessions"])
	}
}

// bodyFields are the fields of a type's content for which models use other names.
var bodyFields = map[study.Type][]string{
	study.Quiz:     {"title", "questions"},
	study.Exam:     {"title", "sections", "questions", "duration_minutes"},
	study.Summary:  {"main_points", "key_terms", "text"},
	study.Analysis: {"strengths", "gaps", "suggestions", "key_concepts"},
	study.Plan:     {"sessions"},
}

// firstList returns the first list in an object, in the order of its keys.
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
	minutes(body, "duration_minutes")
	number(body, "total_points")
	itemsOf(body, "sections", func(s map[string]any) {
		rename(s, "section_name", "questions", "time_estimate_minutes")
		text(s, "section_name", "instructions")
		fill(s, "section_name", "Questions")
		fill(s, "instructions", "Answer all questions.")
		minutes(s, "time_estimate_minutes")
		itemsOf(s, "questions", question)
		withoutNumbers(s["questions"])
	})
}

// cite turns the quote that supports an item into its source. Only this program sets ids and the unverified flag.
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
	for _, name := range []string{"flashcard", "card"} { // {"card": {…}}
		if within, ok := c[name].(map[string]any); ok && c["question"] == nil {
			maps.Copy(c, within)
		}
	}
	renameCard(c)
	text(c, "question", "answer", "topic", "difficulty")
	fill(c, "topic", "General")
	fill(c, "difficulty", study.Medium)
	lower(c, "difficulty")
}

// renameCard renames the sides of a card to our names. A term with its definition is also a card.
func renameCard(c map[string]any) {
	rename(c, "question", "answer", "topic", "difficulty")
	for _, sides := range cardSides {
		if c["question"] == nil && c[sides[0]] != nil && (c["answer"] != nil || c[sides[1]] != nil) {
			c["question"] = c[sides[0]]
			if c["answer"] == nil {
				c["answer"] = c[sides[1]]
			}
		}
	}
}

// cardSides are pairs of fields that, together, are the two sides of a card.
var cardSides = [][2]string{{"term", "definition"}, {"word", "meaning"}, {"concept", "explanation"}, {"term", "meaning"}, {"word", "definition"},
	{"concept", "definition"}, {"term", "explanation"}, {"name", "description"}, {"title", "content"}}

func point(p map[string]any) {
	cite(p)
	rename(p, "point", "details", "importance")
	text(p, "point", "details", "importance")
	fill(p, "importance", "medium")
	lower(p, "importance")
}

func keyTerm(k map[string]any) {
	cite(k)
	rename(k, "term", "definition")
	text(k, "term", "definition")
}

// objectsOf turns each text of a list into an object with one field.
func objectsOf(value any, field string) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	for i := range list {
		if s, ok := list[i].(string); ok && strings.TrimSpace(s) != "" {
			list[i] = map[string]any{field: withoutBullet(s)}
		}
	}
	return list
}

// termsOf reads terms and definitions: objects, texts such as "term: definition", or one object whose fields are the
// terms.
func termsOf(value any) any {
	switch v := value.(type) {
	case map[string]any:
		list := make([]any, 0, len(v))
		for _, term := range slices.Sorted(maps.Keys(v)) {
			list = append(list, map[string]any{"term": term, "definition": v[term]})
		}
		return list
	case []any:
		for i := range v {
			s, _ := v[i].(string)
			for _, mark := range []string{": ", " – ", " — ", " - "} {
				if term, definition, ok := strings.Cut(s, mark); ok {
					v[i] = map[string]any{"term": withoutBullet(term), "definition": definition}
					break
				}
			}
		}
	}
	return value
}
