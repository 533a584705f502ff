package study

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Decode reads a body that is one JSON object into a struct, for requests simpler than those of ParseRequest. A body
// that is not an object is CodeMalformed. A field of the wrong type, an unknown field, or a text with a NUL character
// is CodeInvalid, and the error names it.
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
	return Invalid(append(nulFaults(raw), unknownFaults(raw, fieldNames(reflect.TypeOf(into).Elem()))...))
}

// fieldNames returns the JSON names of a struct's fields.
func fieldNames(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// unknownFaults reports unknown fields, because a value under a misspelled name would be lost.
func unknownFaults(raw map[string]json.RawMessage, known []string) []Fault {
	var faults []Fault
	for _, name := range unknownFields(raw, known) {
		faults = append(faults, Fault{Field: name, Detail: "is not a field of this request; its fields are " + strings.Join(known, ", ")})
	}
	return faults
}

// unknownFields returns the names in an object that are not known, sorted. Like encoding/json, it ignores case. A name
// that might be a student's text is not repeated.
func unknownFields(raw map[string]json.RawMessage, known []string) []string {
	var names []string
	for name := range raw {
		if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			continue
		}
		if !plainName(name) {
			name = "(unnamed)"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func plainName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return false
		}
	}
	return name != "" && len(name) <= 40
}

// nulFaults reports texts with a NUL character, which PostgreSQL cannot store.
func nulFaults(raw map[string]json.RawMessage) []Fault {
	var faults []Fault
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		var one string
		var list []string
		_ = json.Unmarshal(raw[name], &one)
		_ = json.Unmarshal(raw[name], &list)
		if strings.ContainsRune(one+strings.Join(list, ""), 0) {
			faults = append(faults, Fault{Field: name, Detail: "must not contain the NUL character"})
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
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	default:
		return "a whole number"
	}
}
