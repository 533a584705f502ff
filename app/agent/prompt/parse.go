package prompt

import (
	"encoding/json"
	"errors"
	"iter"
	"strings"

	"studysharper/app/study"
)

// maxObjects bounds how many places an object is looked for in one answer.
const maxObjects = 32

// wrappers names the field by which the object of a type is known.
var wrappers = map[study.Type]string{
	study.Flashcards: "flashcards",
	study.Quiz:       "quiz",
	study.Exam:       "exam",
	study.Summary:    "summary",
	study.Analysis:   "analysis",
	study.Plan:       "plan",
}

// Parse reads a model's answer as an aid of the type. It is lenient about dress:
// prose and code fences around the object, an object around it, trailing commas and
// raw line breaks in strings. The text of a Chat becomes a Reply as it is. What is
// wrong otherwise comes back as one fault in words for the model, which does not
// quote the answer; "" is nothing.
func Parse(t study.Type, answer string) (study.Aid, string) {
	if t == study.Chat {
		return &study.Reply{Response: strings.TrimSpace(answer)}, ""
	}
	wrapper := wrappers[t]
	fault := "there is no JSON object in the answer"
	for i, s := range objects(answer) {
		aid, wrong, known := readObject(t, wrapper, s)
		if known && wrong == "" {
			return aid, ""
		}
		if known || i == 0 {
			fault = wrong
		}
		if known {
			break
		}
	}
	return nil, fault
}

// objects numbers the places where an object may begin, and gives the answer from each on.
func objects(answer string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		rest := answer
		for i := range maxObjects {
			open := strings.IndexByte(rest, '{')
			if open < 0 || !yield(i, rest[open:]) {
				return
			}
			rest = rest[open+1:]
		}
	}
}

// readObject reads the object that s starts with. known tells that it is the one
// that was asked for, whether or not it could be read.
func readObject(t study.Type, wrapper, s string) (aid study.Aid, fault string, known bool) {
	object, whole := tidy(s)
	if !whole {
		return nil, "the JSON object is cut off before its end", false
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(object, &top) != nil {
		return nil, "the answer is not valid JSON", false
	}
	if _, ok := top[wrapper]; !ok {
		return nil, "the JSON object has no field " + wrapper, false
	}
	aid = study.NewAid(t)
	if err := json.Unmarshal(object, aid); err != nil {
		return nil, typeFault(err), true
	}
	return aid, "", true
}

// typeFault says which field has a value of the wrong type.
func typeFault(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return wrong.Field + " has a value of the wrong type; it must be " + kindName(wrong.Type.Kind().String())
	}
	return "a field has a value of the wrong type"
}

func kindName(kind string) string {
	switch kind {
	case "int":
		return "a whole number"
	case "slice":
		return "a list"
	case "struct", "map":
		return "an object"
	default:
		return "a " + kind
	}
}

// tidy copies the object s starts with, up to its closing brace, without commas
// before a closing bracket and with control characters in strings escaped; whole is
// false when the object does not end.
func tidy(s string) (object []byte, whole bool) {
	out := make([]byte, 0, len(s))
	depth, inString, escaped := 0, false, false
	for i := range len(s) {
		c := s[i]
		if inString {
			out = appendInString(out, c, escaped)
			inString = escaped || c != '"'
			escaped = !escaped && c == '\\'
			continue
		}
		switch c {
		case '"':
			inString = true
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			out = dropComma(out)
		}
		out = append(out, c)
		if depth == 0 {
			return out, true
		}
	}
	return nil, false
}

// appendInString appends one byte of a string, in the spelling that JSON wants.
func appendInString(out []byte, c byte, escaped bool) []byte {
	if c >= ' ' {
		return append(out, c)
	}
	if escaped { // a backslash before a raw line break: the break is what is meant
		out = out[:len(out)-1]
	}
	switch c {
	case '\n':
		return append(out, '\\', 'n')
	case '\t':
		return append(out, '\\', 't')
	default:
		return append(out, ' ')
	}
}

// dropComma takes a comma and the white space behind it off the end.
func dropComma(out []byte) []byte {
	end := len(out)
	for end > 0 && (out[end-1] == ' ' || out[end-1] == '\n' || out[end-1] == '\t' || out[end-1] == '\r') {
		end--
	}
	if end > 0 && out[end-1] == ',' {
		return out[:end-1]
	}
	return out
}
