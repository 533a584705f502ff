package prompt

import (
	"encoding/json"
	"strconv"
	"strings"

	"studysharper/app/study"
)

// node is a part of an answer's shape, in two forms: as JSON schema, within OpenAI's strict subset, and as an example
// for models that accept no schema.
type node struct{ schema, example string }

// text is a string; the hint describes its content.
func text(hint string) node {
	return node{`{"type":"string"}`, strconv.Quote(hint)}
}

func integer(example int) node {
	return node{`{"type":"integer"}`, strconv.Itoa(example)}
}

func boolean() node { return node{`{"type":"boolean"}`, "true"} }

// oneOf is one of a few fixed strings.
func oneOf(words ...string) node {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = strconv.Quote(w)
	}
	return node{`{"type":"string","enum":[` + strings.Join(list, ",") + `]}`, strconv.Quote(strings.Join(words, "|"))}
}

// list is a list of parts of the same shape.
func list(of node) node {
	return node{`{"type":"array","items":` + of.schema + `}`, "[" + of.example + "]"}
}

// anyOf is one of several shapes.
func anyOf(nodes ...node) node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	var schemas, examples []string
	for _, n := range nodes {
		schemas, examples = append(schemas, n.schema), append(examples, n.example)
	}
	return node{`{"anyOf":[` + strings.Join(schemas, ",") + `]}`, strings.Join(examples, " or ")}
}

// field is a named part of an object.
type field struct {
	name string
	node node
}

// object has all of these fields, and no others.
func object(fields ...field) node {
	var names, schemas, examples []string
	for _, f := range fields {
		name := strconv.Quote(f.name)
		names = append(names, name)
		schemas = append(schemas, name+":"+f.node.schema)
		examples = append(examples, name+": "+f.node.example)
	}
	return node{`{"type":"object","properties":{` + strings.Join(schemas, ",") + `},"required":[` + strings.Join(names, ",") +
		`],"additionalProperties":false}`, "{" + strings.Join(examples, ", ") + "}"}
}

// named returns the schema in the form that a model's API expects.
func (n node) named(t study.Type) *study.Schema {
	return &study.Schema{Name: string(t), Body: json.RawMessage(n.schema)}
}
