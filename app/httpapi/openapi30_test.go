package httpapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// schemaWords are all fields of a Schema Object of OpenAPI 3.0.3.
var schemaWords = []string{"title", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern",
	"maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required", "enum", "type", "allOf", "oneOf", "anyOf", "not", "items",
	"properties", "additionalProperties", "description", "format", "default", "nullable", "discriminator", "readOnly", "writeOnly", "xml",
	"externalDocs", "example", "deprecated", "$ref"}

// olderDocument is GET /openapi-3.0.json as the service sends it.
func olderDocument(t *testing.T) []byte {
	t.Helper()
	r := serve(t).ask("GET", "/openapi-3.0.json", "")
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%d", r.StatusCode)
	}
	return r.body
}

func validate(text []byte) error {
	loader := openapi3.NewLoader()
	d, err := loader.LoadFromData(text)
	if err != nil {
		return err
	}
	return d.Validate(loader.Context)
}

func TestTheOlderDocumentIsOpenAPI303AndItsExamplesAreValid(t *testing.T) {
	older := olderDocument(t)
	if err := validate(older); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(older, []byte(`"openapi":"3.0.3"`)) {
		t.Error("not version 3.0.3")
	}
	wrong := bytes.Replace(older, []byte(`"count":2`), []byte(`"count":"two"`), 1)
	if err := validate(wrong); err == nil || bytes.Equal(wrong, older) {
		t.Error("an invalid example is not found")
	}
}

func TestEveryBodyOfJSONHasAnExample(t *testing.T) {
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string
			RequestBody struct {
				Content map[string]struct{ Example any }
			}
		}
	}
	if err := json.Unmarshal(openAPI, &d); err != nil {
		t.Fatal(err)
	}
	bodies := 0
	for _, methods := range d.Paths {
		for _, operation := range methods {
			if media, ok := operation.RequestBody.Content["application/json"]; ok {
				if bodies++; media.Example == nil {
					t.Errorf("%s has no example", operation.OperationID)
				}
			}
		}
	}
	if bodies < 15 {
		t.Errorf("only %d bodies were found", bodies)
	}
}

// TestTheOlderDocumentHasTheSameOperationsAndSchemas also checks that each schema uses only fields of OpenAPI 3.0.3, to
// find any that the conversion does not handle.
func TestTheOlderDocumentHasTheSameOperationsAndSchemas(t *testing.T) {
	var older, newer struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components map[string]map[string]any
	}
	if err := json.Unmarshal(olderDocument(t), &older); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(openAPI, &newer); err != nil {
		t.Fatal(err)
	}
	for path, methods := range newer.Paths {
		for method, operation := range methods {
			if older.Paths[path][method] != operation {
				t.Errorf("%s %s is not in the older document", method, path)
			}
		}
	}
	for name := range newer.Components["schemas"] {
		schema := older.Components["schemas"][name]
		if schema == nil {
			t.Errorf("%s is not in the older document", name)
		}
		checkWords(t, name, schema)
	}
}

func checkWords(t *testing.T, at string, node any) {
	t.Helper()
	schema, ok := node.(map[string]any)
	if !ok {
		return
	}
	for word, value := range schema {
		if !slices.Contains(schemaWords, word) {
			t.Errorf("%s: OpenAPI 3.0.3 has no %q", at, word)
		}
		switch inner := value.(type) {
		case map[string]any:
			if word != "properties" {
				checkWords(t, at+"/"+word, inner)
				continue
			}
			for name, property := range inner {
				checkWords(t, at+"/"+name, property)
			}
		case []any:
			if word == "allOf" || word == "oneOf" || word == "anyOf" {
				for _, choice := range inner {
					checkWords(t, at+"/"+word, choice)
				}
			}
			if word == "type" || slices.Contains(inner, nil) && schema["nullable"] != true {
				t.Errorf("%s: %s is %v", at, word, inner)
			}
		}
	}
}

func TestTheConversionKeepsWhatASchemaTakes(t *testing.T) {
	for given, want := range map[string]string{
		`{"type":["string","null"],"maxLength":3}`:                      `{"maxLength":3,"nullable":true,"type":"string"}`,
		`{"type":["string","boolean"]}`:                                 `{"oneOf":[{"type":"string"},{"type":"boolean"}]}`,
		`{"type":["string","boolean","null"]}`:                          `{"oneOf":[{"nullable":true,"type":"string"},{"nullable":true,"type":"boolean"}]}`,
		`{"const":"a"}`:                                                 `{"enum":["a"],"type":"string"}`,
		`{"const":false}`:                                               `{"enum":[false],"type":"boolean"}`,
		`{"enum":["a",null]}`:                                           `{"enum":["a",null],"nullable":true,"type":"string"}`,
		`{"anyOf":[{"$ref":"#/x"},{"type":"null"}]}`:                    `{"allOf":[{"$ref":"#/x"}],"nullable":true}`,
		`{"oneOf":[{"$ref":"#/x"},{"$ref":"#/y"},{"type":"null"}]}`:     `{"nullable":true,"oneOf":[{"$ref":"#/x"},{"$ref":"#/y"}]}`,
		`{"type":"string","contentMediaType":"application/pdf"}`:        `{"format":"binary","type":"string"}`,
		`{"properties":{"const":{"const":1},"type":{"type":"string"}}}`: `{"properties":{"const":{"enum":[1],"type":"number"},"type":{"type":"string"}}}`,
		`{"default":{"type":["a","null"]},"minimum":0.7}`:               `{"default":{"type":["a","null"]},"minimum":0.7}`,
		`{"content":{"application/pdf":{}}}`:                            `{"content":{"application/pdf":{"schema":{"format":"binary","type":"string"}}}}`,
	} {
		got, err := downgradeOpenAPI([]byte(`{"x":` + given + `}`))
		if want := `{"openapi":"3.0.3","x":` + want + "}\n"; err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", given, got, err, want)
		}
	}
	if _, err := downgradeOpenAPI([]byte(`{`)); err == nil {
		t.Error("half a document is taken")
	}
}

func TestBothDocumentsAreCompressedAndSentOnce(t *testing.T) {
	f := serve(t)
	for _, path := range []string{"/openapi.json", "/openapi-3.0.json"} {
		plain := f.ask("GET", path, "")
		small := f.ask("GET", path, "", "Accept-Encoding", "gzip")
		unpacked, err := gzip.NewReader(bytes.NewReader(small.body))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(unpacked); err != nil || !bytes.Equal(got, plain.body) || len(small.body) > len(plain.body)/5 {
			t.Errorf("%s: %d bytes, compressed %d, %v", path, len(plain.body), len(small.body), err)
		}
		tag := plain.Header.Get("ETag")
		same := f.ask("GET", path, "", "If-None-Match", tag)
		if tag == "" || small.Header.Get("ETag") != tag || same.StatusCode != http.StatusNotModified || len(same.body) > 0 {
			t.Errorf("%s: ETag %q, then %d with %d bytes", path, tag, same.StatusCode, len(same.body))
		}
		if !strings.Contains(small.Header.Get("Vary"), "Accept-Encoding") || !strings.HasPrefix(plain.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v", path, small.Header)
		}
	}
}
