package parse

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// itemsOf repairs the objects of a list in a field, and drops what is not an object.
func itemsOf(body map[string]any, field string, repair func(map[string]any)) {
	list, ok := body[field].([]any)
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

// rename gives fields our names, unless ours are there.
func rename(item map[string]any, fields ...string) {
	for _, field := range fields {
		for _, name := range names[field] {
			if _, ok := item[field]; ok {
				break
			}
			if value, ok := item[name]; ok && value != nil {
				item[field] = value
				delete(item, name)
			}
		}
	}
}

// text makes texts of the fields' values.
func text(item map[string]any, fields ...string) {
	for _, field := range fields {
		if value, ok := item[field]; ok {
			item[field] = plainText(value)
		}
	}
}

// plainText is a value as text: "" for what has none.
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
		for _, name := range []string{"text", "value", "quote"} {
			if s, ok := v[name].(string); ok {
				return s
			}
		}
	}
	return ""
}

// textList makes lists of texts of the fields' values; a single value becomes a list of one.
func textList(item map[string]any, fields ...string) {
	for _, field := range fields {
		switch v := item[field].(type) {
		case []any:
			for i, entry := range v {
				v[i] = plainText(entry)
			}
		case nil:
			delete(item, field)
		default:
			item[field] = []any{plainText(v)}
		}
	}
}

// fill sets a text that is missing.
func fill(item map[string]any, field, value string) {
	if strings.TrimSpace(plainText(item[field])) == "" {
		item[field] = value
	}
}

func lower(item map[string]any, field string) {
	item[field] = strings.ToLower(strings.TrimSpace(plainText(item[field])))
}

// number makes whole numbers of the fields' values, also of texts such as "30 minutes". A
// value without a number is dropped.
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

// numberWords are the small numbers that models write as words.
var numberWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}

func firstNumber(s string) (float64, bool) {
	begin := strings.IndexAny(s, "0123456789")
	if begin < 0 {
		for word := range strings.FieldsSeq(strings.ToLower(s)) {
			if n := slices.Index(numberWords, strings.Trim(word, ".,;:")); n >= 0 {
				return float64(n), true
			}
		}
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

// snakeKeys spells the keys of all objects in a value like ours: correctAnswer, Correct Answer
// and correct-answer become correct_answer. An exact key wins.
func snakeKeys(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = snakeKeys(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			spelled := snake(key)
			if _, taken := v[spelled]; spelled == key || !taken {
				out[spelled] = snakeKeys(v[key])
			}
		}
		return out
	}
	return value
}

func snake(key string) string {
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
