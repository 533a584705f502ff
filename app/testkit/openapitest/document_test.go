package openapitest

import (
	"net/http"
	"testing"
)

const small = `{"openapi":"3.1.0","paths":{
	"/a/{id}":{"get":{"responses":{"200":{"$ref":"#/components/responses/A"},"204":{"description":"none"}}}},
	"/a/new":{"get":{"responses":{"200":{"description":"text","content":{"text/plain":{"schema":{"type":"string"}}}}}},
	          "put":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}},"responses":{"204":{"description":"none"}}}}},
	"components":{"responses":{"A":{"description":"a","content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}}},
	"schemas":{"A":{"type":"object","required":["n"],"properties":{"n":{"type":"integer"},"in":{"type":"object","properties":{"x":{"type":"string"}}}}}}}}`

func exchange(method, path string, status int, kind, request, response string) Exchange {
	return Exchange{Method: method, Path: path, Status: status, Request: []byte(request), Response: []byte(response),
		Header: http.Header{"X-Request-Id": {"x"}, "Content-Type": {kind}}}
}

func TestExchangesAreHeldAgainstTheirOperation(t *testing.T) {
	d, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	const json, text = "application/json", "text/plain; charset=utf-8"
	for name, tt := range map[string]struct {
		x  Exchange
		ok bool
	}{
		"through a reference":           {exchange("GET", "/a/7", 200, json, "", `{"n":1,"in":{"x":""}}`), true},
		"a field within that is not":    {exchange("GET", "/a/7", 200, json, "", `{"n":1,"in":{"y":""}}`), false},
		"a literal path goes first":     {exchange("GET", "/a/new", 200, text, "", "hello"), true},
		"the literal's content type":    {exchange("GET", "/a/new", 200, json, "", `{"n":1}`), false},
		"a slash at the end":            {exchange("GET", "/a/7/", 204, "", "", ""), true},
		"one level too deep":            {exchange("GET", "/a/7/8", 200, json, "", `{"n":1}`), false},
		"a request with a field more":   {exchange("PUT", "/a/new", 204, "", `{"n":1,"more":2}`, ""), true},
		"a request that it would not":   {exchange("PUT", "/a/new", 204, "", `{"n":"1"}`, ""), false},
		"HEAD has no body":              {exchange("HEAD", "/a/7", 200, json, "", ""), true},
		"a status that is not promised": {exchange("GET", "/a/7", 201, json, "", `{"n":1}`), false},
		"a preflight":                   {exchange("OPTIONS", "/nowhere", 204, "", "", ""), true},
	} {
		if err := d.Check(tt.x); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnansweredAreThoseWithoutASuccess(t *testing.T) {
	d, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Unanswered()); n != 3 || len(d.Operations()) != 3 {
		t.Errorf("%d of %d", n, len(d.Operations()))
	}
	_ = d.Check(exchange("GET", "/a/7", 404, "", "", ""))
	if err := d.Check(exchange("GET", "/a/7", 204, "", "", "")); err != nil {
		t.Fatal(err)
	}
	if got := d.Unanswered(); len(got) != 2 || got[0] != (Operation{"GET", "/a/new"}) {
		t.Errorf("got %v", got)
	}
}

func TestADocumentThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"", "[]", "{"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
