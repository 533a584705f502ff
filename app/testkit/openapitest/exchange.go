package openapitest

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Exchange is a request and its answer.
type Exchange struct {
	Method   string
	Path     string // as requested, without the query
	Request  []byte
	Status   int
	Header   http.Header // of the answer
	Response []byte
}

// Check checks an exchange against the document. The operation must list the status, and
// the body must have the content type and the schema listed for it. A successful request
// must itself conform to the document. A request that is not an operation must be refused
// with a problem document. The error says what is wrong.
func (d *Document) Check(x Exchange) error {
	if x.Method == http.MethodOptions {
		return nil // CORS answers
	}
	if x.Header.Get("X-Request-ID") == "" {
		return fmt.Errorf("%s %s: no X-Request-ID", x.Method, x.Path)
	}
	if err := d.compare(x); err != nil {
		return fmt.Errorf("%s %s, %d: %w\n%s", x.Method, x.Path, x.Status, err, compact(x.Response))
	}
	return nil
}

func (d *Document) compare(x Exchange) error {
	op, ok := d.operation(x.Method, x.Path)
	if !ok {
		if x.Status < http.StatusBadRequest {
			return fmt.Errorf("the document has no such operation")
		}
		return d.body(x, []string{"components", "responses", "Internal"})
	}
	response, at := d.find("paths", op.Path, strings.ToLower(op.Method), "responses", strconv.Itoa(x.Status))
	if response == nil {
		return fmt.Errorf("the document does not name the status")
	}
	if err := d.body(x, at); err != nil || x.Status >= http.StatusBadRequest {
		return err
	}
	d.mu.Lock()
	d.answered[op] = true
	d.mu.Unlock()
	return d.asked(x, op)
}

// body checks an answer's body against the response at a path of the document.
func (d *Document) body(x Exchange, at []string) error {
	if x.Method == http.MethodHead {
		return nil
	}
	content, place := d.find(append(slices.Clone(at), "content")...)
	if content == nil {
		if len(x.Response) > 0 {
			return fmt.Errorf("a body where the document has none")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(x.Header.Get("Content-Type"))
	if err != nil || content[kind] == nil {
		return fmt.Errorf("the document does not name the content type %q", x.Header.Get("Content-Type"))
	}
	if !strings.HasSuffix(kind, "json") {
		return nil
	}
	return d.check(closed, append(place, kind, "schema"), x.Response)
}

// asked checks the body of a successful request. Only JSON is checked.
func (d *Document) asked(x Exchange, op Operation) error {
	content, at := d.find("paths", op.Path, strings.ToLower(op.Method), "requestBody", "content")
	if content["application/json"] == nil {
		return nil
	}
	if err := d.check(open, append(at, "application/json", "schema"), x.Request); err != nil {
		return fmt.Errorf("the request was taken, but: %w", err)
	}
	return nil
}

// operation returns the operation for a path, preferring a literal path to one with parameters.
func (d *Document) operation(method, path string) (Operation, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	var found Operation
	for _, op := range d.operations {
		if op.Method == method && matches(op.Path, path) && (found.Path == "" || !strings.Contains(op.Path, "{")) {
			found = op
		}
	}
	return found, found.Path != ""
}

func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
}
