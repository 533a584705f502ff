package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"studysharper/app/httpapi/openapitest"
	"studysharper/app/study"
)

// document is the one that the service gives to its clients.
var document = sync.OnceValue(func() *openapitest.Document {
	text, err := os.ReadFile(filepath.Join("httpapi", "openapi.json"))
	if err != nil {
		panic(err)
	}
	d, err := openapitest.Parse(text)
	if err != nil {
		panic(err)
	}
	return d
})

// documented fails the test for an answer that the document does not know.
func (s *service) documented(res *http.Response, asked, answered []byte) {
	s.t.Helper()
	err := document().Check(openapitest.Exchange{Method: res.Request.Method, Path: res.Request.URL.Path, Request: asked,
		Status: res.StatusCode, Header: res.Header, Response: answered})
	if err != nil {
		s.t.Errorf("not as the document has it: %v", err)
	}
}

func TestEveryAidAndEveryEventOfARunIsAsTheDocumentHasIt(t *testing.T) {
	text := notes(t)
	s := start(t)
	kinds := map[string]bool{}
	for _, kind := range study.Types() {
		body := request(string(kind), "What is a spectrophotometer?", map[string]any{"content": text, "topic": "light", "length": "short"})
		if status, got := s.ask("POST", "/api/ai/process", body); status != 200 { // held against the document by ask
			t.Errorf("%s: %d %v", kind, status, got)
		}
		status, begun := s.ask("POST", "/api/ai/process-stream", body)
		if status != 200 {
			t.Fatalf("%s: %d %v", kind, status, begun)
		}
		for _, event := range s.watch(begun["stream_url"].(string)) {
			kinds[event["type"].(string)] = true
			line, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			if err := document().Value("Event", line); err != nil {
				t.Errorf("%s: %v\n%s", kind, err, line)
			}
		}
	}
	for _, kind := range []study.Kind{study.KindStart, study.KindProgress, study.KindToken, study.KindComplete} {
		if !kinds[string(kind)] {
			t.Errorf("no %s event came", kind)
		}
	}
	for _, path := range []string{"/", "/health", "/livez", "/readyz", "/api/ai/stream-status", "/api/ai/sessions?user_id=student",
		"/api/ai/generated-content/flashcards?user_id=student", "/api/ai/generated-content/exams?user_id=student", "/api/ai/content-stats/student",
		"/api/admin/metrics", "/api/admin/errors", "/api/admin/user-activity/student"} {
		if status, _ := s.ask("GET", path, ""); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
	}
}
