package prompt

import (
	"cmp"
	"encoding/json"
	"errors"
	"iter"
	"strings"

	"studysharper/app/study"
)

// maxObjects bounds how many places an object is looked for in one answer.
const maxObjects = 32

// Parse reads a model's answer as an aid of the type. It is lenient about dress: prose and
// code fences around the object, an object around it, JSON in every dialect that models write,
// other names for fields, and an end that is missing: what is whole counts. The text of a Chat becomes a Reply as it is. An answer may hold several such objects,
// drafts before the last: good says which of them will do, and the last of those counts, or
// else the last of all. What is wrong otherwise comes back as one fault in words for the model,
// which does not quote the answer; "" is nothing.
func Parse(t study.Type, answer string, good func(study.Aid) bool) (study.Aid, string) {
	if t == study.Chat {
		return &study.Reply{Response: strings.TrimSpace(answer)}, ""
	}
	var last, best study.Aid
	fault := "there is no JSON object in the answer"
	for i, found := range readObjects(t, answer) {
		switch {
		case found.aid != nil && good(found.aid):
			last, best = found.aid, found.aid
		case found.aid != nil && !found.cut:
			last = found.aid
		case found.known || i == 0:
			fault = cmp.Or(found.fault, cutOff)
		}
	}
	switch {
	case best != nil:
		return best, ""
	case last != nil:
		return last, ""
	default:
		return nil, fault
	}
}

// object is what stands at a place where an object begins.
type object struct {
	aid   study.Aid // nil: it is not one,
	fault string    // for this reason,
	known bool      // but what was asked for all the same
	size  int       // where it ends
	cut   bool      // it has no end
}

// readObjects numbers the objects of an answer. It looks for further ones inside those that
// are not what was asked for, and behind those that are.
func readObjects(t study.Type, answer string) iter.Seq2[int, object] {
	return func(yield func(int, object) bool) {
		rest := answer
		for i := range maxObjects {
			open := strings.IndexAny(rest, "{[")
			if open < 0 {
				return
			}
			o := readObject(t, rest[open:])
			if !yield(i, o) {
				return
			}
			if rest = rest[open+1:]; o.known {
				rest = rest[o.size-1:]
			}
		}
	}
}

// readObject reads the object or list that s starts with.
func readObject(t study.Type, s string) object {
	value, size, cut := parseRelaxed(s)
	o := object{size: size, cut: cut}
	shaped, known := canonical(t, value)
	if !known {
		o.fault = "the JSON object has no field " + wrappers[t][0]
		if cut {
			o.fault = cutOff
		}
		return o
	}
	o.known = true
	raw, err := json.Marshal(shaped)
	if err != nil {
		o.fault = "the answer is not valid JSON"
		return o
	}
	aid := study.NewAid(t)
	if err := json.Unmarshal(raw, aid); err != nil {
		o.fault = typeFault(err)
		return o
	}
	if cut && t != study.Summary && t != study.Analysis && study.Items(aid) == 0 {
		o.fault = cutOff
		return o
	}
	o.aid = aid
	return o
}

const cutOff = "the JSON object is cut off before its end"

// objects yields the answer from each place on where an object may begin.
func objects(answer string) iter.Seq[string] {
	return func(yield func(string) bool) {
		rest := answer
		for range maxObjects {
			open := strings.IndexByte(rest, '{')
			if open < 0 || !yield(rest[open:]) {
				return
			}
			rest = rest[open+1:]
		}
	}
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
// before a closing bracket and with control characters in strings escaped. size is where it
// ends in s, 0 when it does not.
func tidy(s string) (object []byte, size int) {
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
			return out, i + 1
		}
	}
	return nil, 0
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
