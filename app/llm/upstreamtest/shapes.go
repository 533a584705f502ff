package upstreamtest

import (
	"encoding/json"
	"regexp"
	"strings"

	"studysharper/app/study"
)

// shape writes a good answer in another way. want is the same answer in the normal form; it equals good unless the
// shape removes or adds something.
type shape func(t study.Type, good string) (text, want string)

// textShapes change the text of an answer.
var textShapes = map[string]shape{
	"fenced": unlike(func(good string) string { return "```json\n" + indented(good) + "\n```" }),
	"prose_around": unlike(func(good string) string {
		return "Sure! Here {is} what you asked for:\n\n```json\n" + good + "\n```\nLet me know if {anything} else."
	}),
	"trailing_commas": unlike(func(good string) string {
		return regexp.MustCompile(`([^\s,{\[])\n(\s*[}\]])`).ReplaceAllString(indented(good), "$1,\n$2")
	}),
	"single_quotes":  unlike(func(good string) string { return strings.NewReplacer(`"`, `'`, "true", "True").Replace(good) }),
	"bom_in_content": unlike(func(good string) string { return "\ufeff" + good }),
	"think_block": unlike(func(good string) string {
		return "<think>\nThe user wants an answer. I should be brief.\n</think>\n\n" + good
	}),
	"nul_char":     unlike(func(good string) string { return strings.Replace(good, "stroma", `stroma\u0000`, 1) }),
	"wrapped_more": unlike(func(good string) string { return `{"response": ` + good + `}` }),
	"unwrapped":    unwrapped,
	"think_with_draft_empty": func(t study.Type, good string) (string, string) {
		return "<think>\nDraft: " + emptied(good) + " no, better:\n</think>\n" + good, good
	},
	"think_with_whole_draft": unlike(func(good string) string {
		return "<think>\nDraft: " + strings.ReplaceAll(good, "stroma", "WRONG DRAFT") + " wait, that is wrong.\n</think>\n" + good
	}),
	"latex_valid_escapes":   tex(` \frac{1}{2} \times \theta \text{light} \nabla \rho`),
	"latex_invalid_escapes": tex(` \(K_\alpha\)`),
}

// unlike returns a shape with the same meaning.
func unlike(write func(good string) string) shape {
	return func(_ study.Type, good string) (string, string) { return write(good), good }
}

// tex adds a formula whose backslashes are not escaped.
func tex(formula string) shape {
	return func(_ study.Type, good string) (string, string) {
		return strings.ReplaceAll(good, "stroma", "stroma"+formula), strings.ReplaceAll(good, "stroma", "stroma"+strings.ReplaceAll(formula, `\`, `\\`))
	}
}

func indented(good string) string {
	raw, err := json.MarshalIndent(decode(good), "", " ")
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func decode(good string) object {
	var o object
	if err := json.Unmarshal([]byte(good), &o); err != nil {
		panic(err)
	}
	return o
}

// wrappers are the fields that contain the content.
var wrappers = map[study.Type]string{study.Flashcards: "flashcards", study.Quiz: "quiz", study.Exam: "exam", study.Summary: "summary",
	study.Analysis: "analysis", study.Plan: "plan"}

// unwrapped removes the outer field; for cards, which are a list, it changes its name.
func unwrapped(t study.Type, good string) (text, want string) {
	content := decode(good)[wrappers[t]]
	if t == study.Flashcards {
		content = object{"cards": content}
	}
	return encode(content), good
}

// emptied returns an answer whose values are empty lists.
func emptied(good string) string {
	o := decode(good)
	for key := range o {
		o[key] = []any{}
	}
	return encode(o)
}

// itemsOf returns the items of an answer; set replaces them.
func itemsOf(t study.Type, o object) (list []any, set func([]any)) {
	in := func(o object, key string) ([]any, func([]any)) {
		list, _ := o[key].([]any)
		return list, func(list []any) { o[key] = list }
	}
	switch t {
	case study.Flashcards:
		return in(o, "flashcards")
	case study.Quiz:
		return in(o["quiz"].(object), "questions")
	case study.Exam:
		return in(o["exam"].(object)["sections"].([]any)[0].(object), "questions")
	case study.Summary:
		return in(o["summary"].(object), "main_points")
	case study.Plan:
		return in(o["plan"].(object), "sessions")
	default:
		return in(o["analysis"].(object), "key_concepts")
	}
}
