package integration

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const chatURL = "/api/ai/agent-test"

// Each row is refused with the contract's error and harms nobody: the same workers answer afterwards.
func TestBadInputIsRefusedAndHarmsNoWorker(t *testing.T) {
	s := start(t, "")
	before := s.awaitMetrics(t, adminMetrics.settled).pids()
	valid := func(change string) []byte {
		return []byte(`{"type":"chat","user_id":"` + userID + `","message":"What is light?"` + change + `}`)
	}
	unknown := "00000000-0000-4000-8000-000000000000"
	for _, row := range []struct {
		name, method, path string
		body               []byte
		header             []string
		status             int
	}{
		{"unknown type", "POST", chatURL, []byte(`{"type":"poem","user_id":"` + userID + `","message":"x"}`), nil, 422},
		{"missing type", "POST", chatURL, []byte(`{"user_id":"` + userID + `","message":"x"}`), nil, 422},
		{"missing user", "POST", chatURL, []byte(`{"type":"chat","message":"x"}`), nil, 422},
		{"message of a wrong type", "POST", chatURL, []byte(`{"type":"chat","user_id":"` + userID + `","message":5}`), nil, 422},
		{"options of a wrong type", "POST", chatURL, valid(`,"options":[1]`), nil, 422},
		{"count of a wrong type", "POST", chatURL, valid(`,"options":{"count":"ten"},"type":"flashcard_generation"`), nil, 422},
		{"empty body", "POST", chatURL, nil, nil, 400},
		{"not JSON", "POST", chatURL, []byte("type=chat"), nil, 400},
		{"half an object", "POST", chatURL, []byte(`{"type":"chat"`), nil, 400},
		{"something after the object", "POST", chatURL, valid("} {"), nil, 400},
		{"nested 100,000 deep", "POST", chatURL, valid(`,"options":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), nil, 400},
		{"invalid UTF-8", "POST", chatURL, valid(`,"topic":"` + "\xff\xfe" + `"`), nil, 400},
		{"over 1 MiB", "POST", chatURL, valid(`,"options":{"content":"` + strings.Repeat("a", 1<<20) + `"}`), nil, 413},
		{"gzip", "POST", chatURL, zipped(valid("")), []string{"Content-Encoding", "gzip"}, 415},
		{"gzip bomb", "POST", chatURL, zipped(make([]byte, 64<<20)), []string{"Content-Encoding", "gzip"}, 415},
		{"session in the body no UUID", "POST", chatURL, valid(`,"session_id":"me"`), nil, 422},
		{"session of a stream no UUID", "GET", "/api/ai/stream/me", nil, nil, 422},
		{"unknown note named", "POST", chatURL, valid(`,"explicit_note_ids":["` + unknown + `"]`), nil, 404},
		{"unknown note read", "GET", "/api/notes/" + unknown, nil, nil, 404},
		{"unknown path", "GET", "/api/ai/nothing", nil, nil, 404},
		{"metrics without the token", "GET", "/api/admin/metrics", nil, nil, 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := s.send(row.method, row.path, row.body, row.header...)
			if err != nil {
				t.Fatal(err)
			}
			wantProblem(t, got, row.status)
		})
	}
	got, err := s.send(http.MethodPost, chatURL, valid(`,"options":{"content":"Light is radiation that the eye can see."}`))
	if err != nil || got.status != http.StatusOK {
		t.Errorf("a good request afterwards: %v, status %d: %s", err, got.status, got.body)
	}
	s.wantSameWorkers(t, before)
}

// wantProblem checks the status and the form of an error: RFC 9457, with error = title.
func wantProblem(t *testing.T, got answer, status int) {
	t.Helper()
	if got.status != status {
		t.Fatalf("status %d, want %d: %.300s", got.status, status, got.body)
	}
	if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") {
		t.Errorf("Content-Type %q", kind)
	}
	if got.header.Get("X-Request-ID") == "" {
		t.Error("no X-Request-ID")
	}
	var problem struct {
		Title, Error string
		Status       int
	}
	if err := json.Unmarshal(got.body, &problem); err != nil {
		t.Fatalf("%v: %.300s", err, got.body)
	}
	if problem.Title == "" || problem.Error != problem.Title || problem.Status != status {
		t.Errorf("problem %+v, want a title, the same as error, and status %d", problem, status)
	}
}

func zipped(text []byte) []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	// Writing to a buffer does not fail.
	_, _ = writer.Write(text)
	_ = writer.Close()
	return packed.Bytes()
}
