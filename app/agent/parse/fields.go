package parse

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// itemsOf repairs the objects of a list in a field and removes everything else.
func itemsOf(body map[string]any, field string, repair func(map[string]any)) {
	list, ok := body[field].([]any)
	if object, keyed := body[field].(map[string]any); keyed { // {"q1": {…}, "q2": {…}}
		for _, name := range slices.SortedFunc(maps.Keys(object), byNumber) {
			list, ok = append(list, object[name]), true
		}
	}
	if !ok {
		delete(body, field)
		return
	}
	body[field] = items(list, repair)
}

func items(list []any, repair func(map[string]any)) []any {
	kept := make([]any, 0, len(list))
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			repair(object)
			kept = append(kept, object)
		}
	}
	return kept
}

// text converts the values of the fields to strings.
func text(item map[string]any, fields ...string) {
	for _, field := range fields {
		if value, ok := item[field]; ok {
			item[field] = plainText(value)
		}
	}
}

// plainText converts a value to a string, "" if it contains no text.
func plainText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		parts := make([]string, len(v))
		for i, part := range v {
			if _, nested := part.([]any); !nested {
				parts[i] = plainText(part)
			}
		}
		return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
	case map[string]any:
		for _, name := range textFields {
			if s, ok := v[name].(string); ok {
				return s
			}
		}
		if len(v) == 1 {
			for _, only := range v {
				s, _ := only.(string)
				return s
			}
		}
	}
	return ""
}

// textFields are the fields that may contain an object's text, the most likely first.
var textFields = []string{"text", "value", "quote", "content", "description", "activity", "task", "answer", "point", "name", "title", "concept", "option", "choice", "label", "letter"}

// withoutBullet removes a list marker from the beginning of a line.
func withoutBullet(s string) string {
	for _, mark := range []string{"- ", "* ", "• ", "– "} {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(s), mark); ok {
			return strings.TrimSpace(rest)
		}
	}
	return s
}

// textList converts the values of the fields to lists of strings; a single value becomes a list of one.
func textList(item map[string]any, fields ...string) {
	for _, field := range fields {
		switch v := item[field].(type) {
		case []any:
			for i, entry := range v {
				v[i] = withoutBullet(plainText(entry))
			}
		case nil:
			delete(item, field)
		default:
			item[field] = []any{plainText(v)}
		}
	}
}

// fill sets a field whose text is missing or empty.
func fill(item map[string]any, field, value string) {
	if strings.TrimSpace(plainText(item[field])) == "" {
		item[field] = value
	}
}

func lower(item map[string]any, field string) {
	item[field] = strings.ToLower(strings.TrimSpace(plainText(item[field])))
}

// number converts the values of the fields to whole numbers, including texts such as "30 minutes". A value without a
// number is removed.
func number(item map[string]any, fields ...string) {
	for _, field := range fields {
		switch v := item[field].(type) {
		case float64:
			item[field] = float64(int(min(max(v, -1e6), 1e6)))
		case string:
			if n, ok := firstNumber(v); ok {
				item[field] = n
			} else {
				delete(item, field)
			}
		default:
			delete(item, field)
		}
	}
}

// numberWords, ordinals and tens are the numbers that models write as words.
var (
	numberWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
		"thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"}
	ordinals = []string{"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
	tens     = []string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
)

func firstNumber(s string) (float64, bool) {
	begin := strings.IndexAny(s, "0123456789")
	if begin < 0 {
		return numberInWords(s)
	}
	s = s[begin:]
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	return float64(min(n, 1e6)), err == nil
}

// numberInWords reads the first number below one hundred that is written in words: "forty-five".
func numberInWords(s string) (n float64, found bool) {
	for word := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) }) {
		ten := slices.Index(tens[2:], word)
		unit := max(slices.Index(numberWords, word), slices.Index(ordinals[1:], word)+1)
		switch {
		case found && unit > 0 && unit < 10:
			return n + float64(unit), true
		case found:
			return n, true
		case ten >= 0:
			n, found = float64(10*(ten+2)), true
		case unit > 0 || word == numberWords[0]:
			return float64(unit), true
		}
	}
	return n, found
}

// snakeKeys converts the keys of all objects in a value to snake case, in place: correctAnswer, Correct Answer and
// correct-answer become correct_answer. An exact key wins. The keys of a glossary are texts and stay unchanged.
func snakeKeys(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = snakeKeys(v[i])
		}
	case map[string]any:
		v = spelled(v)
		for key, inside := range v {
			if _, isTerms := inside.(map[string]any); !isTerms || !isGlossary(key) {
				v[key] = snakeKeys(inside)
			}
		}
		return v
	}
	return value
}

// spelled returns an object with its own keys in snake case; the object itself if they already are.
func spelled(object map[string]any) map[string]any {
	other := false
	for key := range object {
		other = other || snake(key) != key
	}
	if !other {
		return object
	}
	out := make(map[string]any, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		ours := snake(key)
		if _, taken := object[ours]; ours == key || !taken {
			out[ours] = object[key]
		}
	}
	return out
}

// copied returns a deep copy.
func copied(value map[string]any) map[string]any {
	out := make(map[string]any, len(value))
	for key, inside := range value {
		out[key] = copiedValue(inside)
	}
	return out
}

func copiedValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return copied(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = copiedValue(v[i])
		}
		return out
	}
	return value
}

func isGlossary(field string) bool {
	return field == "key_terms" || slices.Contains(names["key_terms"], field)
}

func snake(key string) string {
	if strings.IndexFunc(key, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') }) < 0 {
		return key
	}
	var b strings.Builder
	lower := false
	for _, c := range key {
		switch {
		case c == ' ' || c == '-':
			c = '_'
		case unicode.IsUpper(c) && lower:
			b.WriteByte('_')
		}
		lower = unicode.IsLower(c)
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
