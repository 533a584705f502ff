package httpapi

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
	"studysharper/app/testkit/openapitest"
)

// document is what all answers in these tests are validated against, see face.ask.
var document = func() *openapitest.Document {
	d, err := openapitest.Parse(openAPI)
	if err != nil {
		panic(err)
	}
	return d
}()

// When all tests have run, every operation must have succeeded at least once.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		for _, op := range document.Unanswered() {
			fmt.Printf("FAIL: no test has had a success of %s %s\n", op.Method, op.Path)
			code = 1
		}
	}
	os.Exit(code)
}

func TestTheDocumentIsOpenAPI(t *testing.T) {
	loader := openapi3.NewLoader()
	d, err := loader.LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(loader.Context); err != nil {
		t.Error(err)
	}
	if d.OpenAPI != "3.1.0" {
		t.Errorf("version %q", d.OpenAPI)
	}
}

var parameter = regexp.MustCompile(`:\w+|\{\w+\}`)

func TestEveryRouteIsInTheDocumentAndNoOther(t *testing.T) {
	f := serve(t)
	var routes, documented []string
	for _, r := range f.server.app.GetRoutes(true) {
		if r.Method == fiber.MethodHead || strings.HasPrefix(r.Path, "/debug/") { // Fiber adds HEAD; /debug/ is for benchmarks
			continue
		}
		path := r.Path
		if path != "/" {
			path = strings.TrimSuffix(path, "/")
		}
		routes = append(routes, r.Method+" "+parameter.ReplaceAllString(path, "{}"))
	}
	for _, op := range document.Operations() {
		documented = append(documented, op.Method+" "+parameter.ReplaceAllString(op.Path, "{}"))
	}
	for _, route := range routes {
		if !slices.Contains(documented, route) {
			t.Errorf("the document lacks %s", route)
		}
	}
	for _, op := range documented {
		if !slices.Contains(routes, op) {
			t.Errorf("nothing answers %s", op)
		}
	}
	if len(routes) < 30 {
		t.Errorf("only %d routes were found", len(routes))
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	f := serve(t)
	if r := f.ask("GET", "/openapi.json", ""); r.StatusCode != http.StatusOK || string(r.body) != string(openAPI) {
		t.Errorf("%d, %d bytes", r.StatusCode, len(r.body))
	}
}

func TestTheDocumentNamesEveryCodeAndType(t *testing.T) {
	for code := range statuses {
		body := fmt.Sprintf(`{"type":"about:blank","title":"t","status":500,"error":"t","code":%q,"request_id":"r"}`, code.Public())
		if err := document.Value("Problem", []byte(body)); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, kind := range study.Types() {
		if err := document.Value("Type", []byte(`"`+string(kind)+`"`)); err != nil {
			t.Error(err)
		}
	}
	if document.Value("Type", []byte(`"poem"`)) == nil || document.Value("Problem", []byte(`{}`)) == nil {
		t.Error("the document takes anything")
	}
}

func TestAnAnswerThatTheDocumentDoesNotKnowIsFound(t *testing.T) {
	plain := http.Header{"X-Request-Id": {"x"}, "Content-Type": {"application/json"}}
	for name, x := range map[string]openapitest.Exchange{
		"a field too many":     {Method: "GET", Path: "/livez", Status: 200, Header: plain, Response: []byte(`{"status":"live","more":1}`)},
		"a field too few":      {Method: "GET", Path: "/livez", Status: 200, Header: plain, Response: []byte(`{}`)},
		"a status":             {Method: "GET", Path: "/livez", Status: 202, Header: plain, Response: []byte(`{"status":"live"}`)},
		"a content type":       {Method: "GET", Path: "/livez", Status: 200, Header: http.Header{"X-Request-Id": {"x"}, "Content-Type": {"text/plain"}}, Response: []byte(`{"status":"live"}`)},
		"no JSON":              {Method: "GET", Path: "/livez", Status: 200, Header: plain, Response: []byte(`live`)},
		"no request id":        {Method: "GET", Path: "/livez", Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Response: []byte(`{"status":"live"}`)},
		"a path":               {Method: "GET", Path: "/nowhere", Status: 200, Header: plain, Response: []byte(`{}`)},
		"an invalid problem":   {Method: "GET", Path: "/nowhere", Status: 404, Header: plain, Response: []byte(`{}`)},
		"a body with a 204":    {Method: "DELETE", Path: "/api/notes/" + anID, Status: 204, Header: plain, Response: []byte(`{}`)},
		"a request it refuses": {Method: "POST", Path: "/api/notes", Request: []byte(`{}`), Status: 201, Header: plain, Response: []byte(`{"id":"` + anID + `","user_id":"u","title":"","content":"","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}`)},
		"an invalid time":      {Method: "GET", Path: "/api/notes/" + anID, Status: 200, Header: plain, Response: []byte(`{"id":"` + anID + `","user_id":"u","title":"","content":"","created_at":"today","updated_at":"2026-01-01T00:00:00Z"}`)},
	} {
		if document.Check(x) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := document.Check(openapitest.Exchange{Method: "GET", Path: "/livez", Status: 200, Header: plain, Response: []byte(`{"status":"live"}`)}); err != nil {
		t.Error(err)
	}
}
