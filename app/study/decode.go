package study

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Decode reads a body that is one JSON object into a struct, for requests simpler
// than ParseRequest's. A body that is none is CodeMalformed; a field of the wrong
// type, or text with a NUL character in it, is CodeInvalid and named.
func Decode(body []byte, into any) error {
	raw, err := parseObject(body)
	if err != nil {
		return err
	}
	err = json.Unmarshal(body, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Invalid([]Fault{{Field: wrong.Field, Detail: "must be " + kindName(wrong.Type)}})
	}
	if err != nil {
		return Errorf(CodeMalformed, "the body is not valid JSON")
	}
	return Invalid(nulFaults(raw))
}

// nulFaults names the texts that hold a NUL character, which PostgreSQL cannot keep.
func nulFaults(raw map[string]json.RawMessage) []Fault {
	var faults []Fault
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		var one string
		var list []string
		_ = json.Unmarshal(raw[name], &one)
		_ = json.Unmarshal(raw[name], &list)
		if strings.ContainsRune(one+strings.Join(list, ""), 0) {
			faults = append(faults, Fault{Field: name, Detail: "must not hold the NUL character"})
		}
	}
	return faults
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list of strings"
	default:
		return "a whole number"
	}
}
