package parse

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxDepth = 64 // of nested values

// relaxed parses JSON as models write it: with comments, trailing and missing commas, single and typographic quotes,
// bare keys, raw line breaks in strings, single backslashes of TeX, Python's words, and a missing end.
type relaxed struct {
	s   string
	at  int
	cut bool // the text ended inside the value
}

// parseRelaxed parses the object or list that s starts with, and returns where it ends. If the text is cut off, it
// returns the complete part.
func parseRelaxed(s string) (value any, end int, cut bool) {
	r := &relaxed{s: s}
	value, _ = r.value(0)
	return value, r.at, r.cut
}

// value parses any value; ok is false if there is none or it is incomplete.
func (r *relaxed) value(depth int) (any, bool) {
	r.skipSpace()
	if depth >= maxDepth || r.at >= len(r.s) {
		r.cut = true
		return nil, false
	}
	switch c := r.s[r.at]; {
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.list(depth)
	case closingQuotes(r.s[r.at:]) != "":
		return r.text(false)
	case strings.IndexByte("}],:", c) >= 0:
		return nil, false
	default:
		return r.word()
	}
}

func (r *relaxed) object(depth int) (any, bool) {
	object := make(map[string]any)
	for r.at++; ; {
		r.skipCommas()
		if r.at >= len(r.s) {
			r.cut = true
			return object, depth == 0
		}
		if r.s[r.at] == '}' || r.s[r.at] == ']' {
			r.at++
			return object, true
		}
		before := r.at
		key, ok := r.key()
		r.skipSpace()
		if ok && r.at < len(r.s) && r.s[r.at] == ':' {
			r.at++
			value, whole := r.value(depth + 1)
			if whole || isContainer(value) {
				object[key] = value
			}
		}
		if r.cut {
			return object, depth == 0
		}
		if r.at == before {
			r.at++ // skip a character that cannot be parsed
		}
	}
}

func (r *relaxed) list(depth int) (any, bool) {
	list := []any{}
	for r.at++; ; {
		r.skipCommas()
		if r.at >= len(r.s) {
			r.cut = true
			return list, depth == 0
		}
		if r.s[r.at] == ']' || r.s[r.at] == '}' {
			r.at++
			return list, true
		}
		before := r.at
		value, whole := r.value(depth + 1)
		if whole || hasList(value) {
			list = append(list, value)
		}
		if r.cut {
			return list, depth == 0
		}
		if r.at == before {
			r.at++
		}
	}
}

// isContainer reports whether a truncated value may contain complete ones.
func isContainer(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return len(v) > 0
	case []any:
		return true
	default:
		return false
	}
}

// hasList reports whether a truncated object contains a list of objects, like a section of an exam, but unlike a card.
func hasList(value any) bool {
	object, _ := value.(map[string]any)
	for _, v := range object {
		if list, ok := v.([]any); ok && len(list) > 0 && isContainer(list[0]) {
			return true
		}
	}
	return false
}

func (r *relaxed) key() (string, bool) {
	if closingQuotes(r.s[r.at:]) != "" {
		s, whole := r.text(true)
		key, _ := s.(string)
		return key, whole
	}
	begin := r.at
	for r.at < len(r.s) && (r.s[r.at] == '_' || isAlphanumeric(r.s[r.at])) {
		r.at++
	}
	return r.s[begin:r.at], r.at > begin
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// word parses a number, true, false or null, including Python's spellings.
func (r *relaxed) word() (any, bool) {
	begin := r.at
	for r.at < len(r.s) && strings.IndexByte(" \t\r\n,:]}{[", r.s[r.at]) < 0 {
		r.at++
	}
	if r.at == len(r.s) {
		r.cut = true
		return nil, false
	}
	word := r.s[begin:r.at]
	switch strings.ToLower(word) {
	case "true":
		return true, true
	case "false":
		return false, true
	case "null", "none":
		return nil, true
	}
	if n, err := strconv.ParseFloat(word, 64); err == nil && n-n == 0 {
		return n, true
	}
	return word, true
}

// skipSpace skips white space and comments.
func (r *relaxed) skipSpace() {
	for r.at < len(r.s) {
		rest := r.s[r.at:]
		switch c, size := utf8.DecodeRuneInString(rest); {
		case unicode.IsSpace(c), c == '\ufeff':
			r.at += size
		case strings.HasPrefix(rest, "//"):
			r.skipPast(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			r.skipPast(rest, "*/")
		default:
			return
		}
	}
}

func (r *relaxed) skipPast(rest, end string) {
	if i := strings.Index(rest, end); i >= 0 {
		r.at += i + len(end)
		return
	}
	r.at = len(r.s)
}

func (r *relaxed) skipCommas() {
	for r.skipSpace(); r.at < len(r.s) && r.s[r.at] == ','; r.skipSpace() {
		r.at++
	}
}
