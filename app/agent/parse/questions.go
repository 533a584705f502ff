package parse

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	apptext "studysharper/app/text"
)

func question(q map[string]any) {
	cite(q)
	rename(q, "type", "question", "options", "points", "rubric", "explanation")
	gatherOptions(q)
	readOptions(q)
	rename(q, "correct_answer", "sample_answer", "acceptable_answers")
	if q["question"] == nil { // "text" is usually another field
		q["question"] = q["text"]
	}
	text(q, "type", "question", "sample_answer", "rubric", "explanation")
	number(q, "points")
	textList(q, "options", "acceptable_answers")
	switch answer := q["correct_answer"].(type) {
	case nil:
		delete(q, "correct_answer")
	case []any:
		if delete(q, "correct_answer"); len(answer) > 0 {
			q["correct_answer"] = answer[0]
		}
	}
	if answer, ok := q["correct_answer"].(map[string]any); ok {
		q["correct_answer"] = plainText(answer)
	}
}

// numbered matches the number that a model writes before a question.
var numbered = apptext.Pattern(`^(?:Q|Question )?(\d{1,2})[.):]\s+`)

// withoutNumbers removes the numbers from questions if all are numbered in order.
func withoutNumbers(questions any) {
	list, _ := questions.([]any)
	bare := make([]string, len(list))
	for i, entry := range list {
		said, _ := entry.(map[string]any)["question"].(string)
		found := numbered().FindStringSubmatch(said)
		if found == nil || found[1] != strconv.Itoa(i+1) {
			return
		}
		bare[i] = said[len(found[0]):]
	}
	for i, entry := range list {
		entry.(map[string]any)["question"] = bare[i]
	}
}

// optionLetters are the names of options that have a field each.
var optionLetters = []string{"a", "b", "c", "d", "e", "f"}

// gatherOptions makes a list of options that have a field each: option_a, choice_1, A.
func gatherOptions(q map[string]any) {
	if q["options"] != nil {
		return
	}
	for _, prefix := range []string{"option_", "choice_", ""} {
		var list []any
		for i, letter := range optionLetters {
			value := q[prefix+letter]
			if value == nil && prefix != "" {
				value = q[prefix+string(rune('1'+i))]
			}
			if value == nil {
				break
			}
			list = append(list, value)
		}
		if len(list) > 1 {
			q["options"] = list
			return
		}
	}
	if list, ok := q["answers"].([]any); ok && len(list) > 1 && q["acceptable_answers"] == nil && has(q, "correct_answer") {
		q["options"] = list
		delete(q, "answers")
	}
}

// readOptions converts the options to a list of texts. It accepts {"A": …, "B": …}, objects with a letter, a text and a
// flag on the right one, or the lines of one text.
func readOptions(q map[string]any) {
	switch options := q["options"].(type) {
	case map[string]any:
		list := make([]any, 0, len(options))
		for _, letter := range slices.Sorted(maps.Keys(options)) {
			list = append(list, options[letter])
		}
		q["options"] = list
	case string:
		var list []any
		for line := range strings.FieldsFuncSeq(options, func(r rune) bool { return r == '\n' || r == '|' || r == ';' }) {
			if line = strings.TrimSpace(line); line != "" {
				list = append(list, line)
			}
		}
		q["options"] = list
	case []any:
		for i, option := range options {
			if object, ok := option.(map[string]any); ok {
				options[i] = readOption(q, object)
			}
		}
	}
}

// readOption returns the text of an option. An option that is flagged as right, or whose letter is the answer, becomes
// the answer.
func readOption(q, option map[string]any) string {
	said := plainText(option)
	for _, mark := range []string{"is_correct", "correct", "is_answer", "is_right", "right"} {
		if option[mark] == true && !has(q, "correct_answer") {
			q["correct_answer"] = said
		}
	}
	answer, _ := firstOf(q, "correct_answer").(string)
	for _, id := range []string{"id", "label", "letter", "key"} {
		if name, ok := option[id].(string); ok && name != said && strings.EqualFold(name, strings.TrimSpace(answer)) {
			q["correct_answer"] = said
		}
	}
	return said
}
