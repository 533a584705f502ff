package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// downgradeOpenAPI renders an OpenAPI 3.1 document as OpenAPI 3.0.3. It handles the parts of JSON Schema 2020-12 that
// openapi.json uses and 3.0 lacks; a test checks that only keywords of 3.0 are left.
func downgradeOpenAPI(document []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber() // so that 0.7 stays 0.7
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	root["openapi"] = "3.0.3"
	if info, ok := root["info"].(map[string]any); ok {
		delete(info, "summary")
		if license, ok := info["license"].(map[string]any); ok {
			delete(license, "identifier")
		}
	}
	downgradeObject(root)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// downgrade converts any part of the document in place.
func downgrade(node any) {
	switch node := node.(type) {
	case map[string]any:
		downgradeObject(node)
	case []any:
		for _, inner := range node {
			downgrade(inner)
		}
	}
}

func downgradeObject(object map[string]any) {
	for key, inner := range object {
		switch key {
		case "default", "enum", "example": // values, not schemas
		case "properties":
			if properties, ok := inner.(map[string]any); ok { // property names are arbitrary
				for _, property := range properties {
					downgrade(property)
				}
			}
		case "content":
			downgradeContent(inner)
		default:
			downgrade(inner)
		}
	}
	downgradeSchema(object)
}

// downgradeContent converts media types. A media type without a schema is a file.
func downgradeContent(content any) {
	types, _ := content.(map[string]any)
	for _, of := range types {
		if media, ok := of.(map[string]any); ok {
			downgradeObject(media)
			if len(media) == 0 {
				media["schema"] = map[string]any{"type": "string", "format": "binary"}
			}
		}
	}
}

func downgradeSchema(schema map[string]any) {
	if _, isFile := schema["contentMediaType"].(string); isFile {
		delete(schema, "contentMediaType")
		schema["format"] = "binary"
	}
	if value, ok := schema["const"]; ok && !isObject(value) {
		delete(schema, "const")
		schema["enum"] = []any{value}
	}
	if values, ok := schema["enum"].([]any); ok && schema["type"] == nil {
		schema["type"] = typeOf(values)
		if slices.Contains(values, any(nil)) {
			schema["nullable"] = true
		}
	}
	if types, ok := schema["type"].([]any); ok {
		downgradeTypes(schema, types)
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if choices, ok := schema[key].([]any); ok {
			downgradeChoices(schema, key, choices)
		}
	}
}

// downgradeTypes replaces a list of types, which 3.0 does not support.
func downgradeTypes(schema map[string]any, types []any) {
	some := slices.DeleteFunc(slices.Clone(types), func(t any) bool { return t == "null" })
	nullable := len(some) < len(types)
	if len(some) == 1 {
		schema["type"] = some[0]
		if nullable {
			schema["nullable"] = true
		}
		return
	}
	delete(schema, "type")
	choices := make([]any, 0, len(some))
	for _, one := range some {
		choice := map[string]any{"type": one}
		if nullable {
			choice["nullable"] = true
		}
		choices = append(choices, choice)
	}
	schema["oneOf"] = choices
}

// downgradeChoices removes null from an anyOf or oneOf. A nullable reference is written in the form that generators
// understand.
func downgradeChoices(schema map[string]any, key string, choices []any) {
	some := slices.DeleteFunc(slices.Clone(choices), func(choice any) bool {
		object, ok := choice.(map[string]any)
		return ok && object["type"] == "null"
	})
	if len(some) == len(choices) {
		return
	}
	schema["nullable"] = true
	if len(some) == 1 {
		delete(schema, key)
		schema["allOf"] = some
		return
	}
	schema[key] = some
}

// typeOf returns the type of the values; null fits every type.
func typeOf(values []any) string {
	for _, value := range values {
		switch value.(type) {
		case string:
			return "string"
		case bool:
			return "boolean"
		case json.Number:
			return "number"
		}
	}
	return "string"
}

func isObject(value any) bool {
	_, is := value.(map[string]any)
	return is
}
