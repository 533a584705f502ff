package contract_test

import (
	"encoding/json"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/study"
)

func TestEveryAidAndEveryEventOfARunIsAsTheDocumentHasIt(t *testing.T) {
	text := servicetest.Notes(t)
	s := servicetest.Start(t)
	kinds := map[string]bool{}
	for _, kind := range study.Types() {
		body := servicetest.Request(string(kind), "What is a spectrophotometer?", map[string]any{"content": text, "topic": "light", "length": "short"})
		if status, got := s.Ask("POST", "/api/ai/process", body); status != 200 { // Ask compares it with the document
			t.Errorf("%s: %d %v", kind, status, got)
		}
		status, begun := s.Ask("POST", "/api/ai/process-stream", body)
		if status != 200 {
			t.Fatalf("%s: %d %v", kind, status, begun)
		}
		for _, event := range s.Watch(begun["stream_url"].(string)) {
			kinds[event["type"].(string)] = true
			line, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			if err := servicetest.Document().Value("Event", line); err != nil {
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
		if status, _ := s.Ask("GET", path, ""); status != 200 {
			t.Errorf("%s: %d", path, status)
		}
	}
}
