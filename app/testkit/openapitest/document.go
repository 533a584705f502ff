// Package openapitest checks a service's answers against its OpenAPI document. The one
// idea: answers are checked more strictly than clients are promised. Here, a field that the
// document does not name is an error, so that none is forgotten; clients are told that
// fields may be added.
package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The two variants of the document: unchanged, for requests, and with every object that
// lists its properties closed to others, for answers.
const (
	open   = "https://document.invalid/open.json"
	closed = "https://document.invalid/closed.json"
)

// Document is an OpenAPI document to check exchanges against. It is safe for concurrent
// use.
type Document struct {
	root       object
	operations []Operation

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
	answered map[Operation]bool
}

// Operation is one method of one path.
type Operation struct {
	Method string // GET
	Path   string // /api/notes/{note_id}
}

type object = map[string]any

// Parse parses a document. It must be JSON, and its schemas must be those of OpenAPI 3.1,
// which are JSON Schema 2020-12.
func Parse(text []byte) (*Document, error) {
	asIs, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the document is not JSON: %w", err)
	}
	strict, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	shut(strict)
	d := &Document{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}, answered: map[Operation]bool{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(open, asIs); err != nil {
		return nil, err
	}
	if err := d.compiler.AddResource(closed, strict); err != nil {
		return nil, err
	}
	var ok bool
	if d.root, ok = asIs.(object); !ok {
		return nil, fmt.Errorf("the document is not an object")
	}
	paths, _ := d.root["paths"].(object)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		methods, _ := paths[path].(object)
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			d.operations = append(d.operations, Operation{strings.ToUpper(method), path})
		}
	}
	return d, nil
}

// shut closes every object schema that lists its properties to other properties.
func shut(node any) {
	switch node := node.(type) {
	case object:
		_, names := node["properties"].(object)
		if _, says := node["additionalProperties"]; names && !says {
			node["additionalProperties"] = false
		}
		for _, inner := range node {
			shut(inner)
		}
	case []any:
		for _, inner := range node {
			shut(inner)
		}
	}
}

// Operations returns all operations of the document, in order.
func (d *Document) Operations() []Operation { return d.operations }

// Unanswered returns the operations for which no successful answer has been checked yet.
func (d *Document) Unanswered() []Operation {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.operations), func(o Operation) bool { return d.answered[o] })
}

// Value checks a JSON text against one of the document's components, in the closed variant.
func (d *Document) Value(component string, text []byte) error {
	return d.check(closed, []string{"components", "schemas", component}, text)
}

// check checks a JSON text against the schema at a path of the document.
func (d *Document) check(reading string, at []string, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	schema, err := d.schema(reading, at)
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func (d *Document) schema(reading string, at []string) (*jsonschema.Schema, error) {
	place := reading + "#"
	for _, name := range at {
		place += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if schema, ok := d.schemas[place]; ok {
		return schema, nil
	}
	schema, err := d.compiler.Compile(place)
	if err == nil {
		d.schemas[place] = schema
	}
	return schema, err
}

// find follows names through the document, resolving references; at is the path where it
// ends. found is nil if there is nothing.
func (d *Document) find(names ...string) (found object, at []string) {
	node := d.root
	for _, name := range names {
		next, ok := node[name].(object)
		if !ok {
			return nil, nil
		}
		node, at = next, append(at, name)
		if target, ok := node["$ref"].(string); ok {
			return d.find(append(strings.Split(strings.TrimPrefix(target, "#/"), "/"), names[len(at):]...)...)
		}
	}
	return node, at
}

// compact returns a JSON text without white space, shortened for a message.
func compact(text []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, text) != nil {
		out.Write(text)
	}
	return out.String()[:min(out.Len(), 600)]
}
