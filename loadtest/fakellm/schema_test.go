package fakellm

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// schema is the part of the published JSON Schema that applies to bodies.
type schema map[string]any

func loadSchema(t *testing.T) schema {
	t.Helper()
	raw, err := os.ReadFile("../../../shared/data/openai-chat.schema.json")
	if err != nil {
		t.Skip("the shared data folder is not here: ", err)
	}
	var doc struct {
		Defs schema `json:"$defs"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Defs
}

// check fails unless body fits the definition.
func (s schema) check(t *testing.T, name, body string) {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%s: %v in %s", name, err, body)
	}
	if fault := s.fault(s[name], value, name); fault != "" {
		t.Errorf("%s in %s", fault, body)
	}
}

// fault returns the first place where value does not fit rule; "" if it fits.
func (s schema) fault(rule, value any, at string) string {
	r, _ := rule.(map[string]any)
	if ref, ok := r["$ref"].(string); ok {
		return s.fault(s[strings.TrimPrefix(ref, "#/$defs/")], value, at)
	}
	fits := func(form any) bool { return s.fault(form, value, at) == "" }
	if forms := anys(r["anyOf"]); forms != nil && !slices.ContainsFunc(forms, fits) {
		return at + " fits none of its forms"
	}
	if enum, ok := r["enum"].([]any); ok && !slices.Contains(enum, value) {
		return at + " is not one of the allowed values"
	}
	if !typed(r["type"], value) {
		return at + " has the wrong type"
	}
	return s.inner(r, value, at)
}

// inner checks the members of objects and arrays.
func (s schema) inner(r map[string]any, value any, at string) string {
	object, _ := value.(map[string]any)
	for _, name := range anys(r["required"]) {
		if _, ok := object[name.(string)]; object != nil && !ok {
			return at + "." + name.(string) + " is missing"
		}
	}
	properties, _ := r["properties"].(map[string]any)
	for name, rule := range properties {
		if member, ok := object[name]; ok {
			if fault := s.fault(rule, member, at+"."+name); fault != "" {
				return fault
			}
		}
	}
	for _, item := range anys(value) {
		if fault := s.fault(r["items"], item, at+"[]"); fault != "" {
			return fault
		}
	}
	return ""
}

func anys(v any) []any { list, _ := v.([]any); return list }

// typed reports whether value has the named type, or one of the named types.
func typed(want, value any) bool {
	kinds := anys(want)
	if kinds == nil && want != nil {
		kinds = []any{want}
	}
	kind := "null"
	switch v := value.(type) {
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case map[string]any:
		kind = "object"
	case []any:
		kind = "array"
	case float64:
		kind = "number"
		if v == float64(int64(v)) && slices.Contains(kinds, any("integer")) {
			return true
		}
	}
	return len(kinds) == 0 || slices.Contains(kinds, any(kind))
}
