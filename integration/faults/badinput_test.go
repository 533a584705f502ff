package faults

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"studysharper/integration/harness"
)

// Each row must be refused with the contract's error and do no harm: the same workers answer afterwards.
func TestBadInputIsRefusedAndHarmsNoWorker(t *testing.T) {
	s := harness.Start(t, "")
	before := s.AwaitMetrics(t, harness.Metrics.Settled).PIDs()
	valid := func(change string) []byte {
		return []byte(`{"type":"chat","user_id":"` + harness.UserID + `","message":"What is light?"` + change + `}`)
	}
	unknown := "00000000-0000-4000-8000-000000000000"
	for _, row := range []struct {
		name, method, path string
		body               []byte
		header             []string
		status             int
	}{
		{"unknown type", "POST", harness.ChatURL, []byte(`{"type":"poem","user_id":"` + harness.UserID + `","message":"x"}`), nil, 422},
		{"missing type", "POST", harness.ChatURL, []byte(`{"user_id":"` + harness.UserID + `","message":"x"}`), nil, 422},
		{"missing user", "POST", harness.ChatURL, []byte(`{"type":"chat","message":"x"}`), nil, 422},
		{"message of a wrong type", "POST", harness.ChatURL, []byte(`{"type":"chat","user_id":"` + harness.UserID + `","message":5}`), nil, 422},
		{"options of a wrong type", "POST", harness.ChatURL, valid(`,"options":[1]`), nil, 422},
		{"count of a wrong type", "POST", harness.ChatURL, valid(`,"options":{"count":"ten"},"type":"flashcard_generation"`), nil, 422},
		{"empty body", "POST", harness.ChatURL, nil, nil, 400},
		{"not JSON", "POST", harness.ChatURL, []byte("type=chat"), nil, 400},
		{"half an object", "POST", harness.ChatURL, []byte(`{"type":"chat"`), nil, 400},
		{"something after the object", "POST", harness.ChatURL, valid("} {"), nil, 400},
		{"nested 100,000 deep", "POST", harness.ChatURL, valid(`,"options":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), nil, 400},
		{"invalid UTF-8", "POST", harness.ChatURL, valid(`,"topic":"` + "\xff\xfe" + `"`), nil, 400},
		{"over 1 MiB", "POST", harness.ChatURL, valid(`,"options":{"content":"` + strings.Repeat("a", 1<<20) + `"}`), nil, 413},
		{"gzip", "POST", harness.ChatURL, zipped(valid("")), []string{"Content-Encoding", "gzip"}, 415},
		{"gzip bomb", "POST", harness.ChatURL, zipped(make([]byte, 64<<20)), []string{"Content-Encoding", "gzip"}, 415},
		{"session in the body no UUID", "POST", harness.ChatURL, valid(`,"session_id":"me"`), nil, 422},
		{"session of a stream no UUID", "GET", "/api/ai/stream/me", nil, nil, 422},
		{"unknown note named", "POST", harness.ChatURL, valid(`,"explicit_note_ids":["` + unknown + `"]`), nil, 404},
		{"unknown note read", "GET", "/api/notes/" + unknown, nil, nil, 404},
		{"unknown path", "GET", "/api/ai/nothing", nil, nil, 404},
		{"metrics without the token", "GET", "/api/admin/metrics", nil, nil, 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := s.Send(row.method, row.path, row.body, row.header...)
			if err != nil {
				t.Fatal(err)
			}
			wantProblem(t, got, row.status)
		})
	}
	got, err := s.Send(http.MethodPost, harness.ChatURL, valid(`,"options":{"content":"Light is radiation that the eye can see."}`))
	if err != nil || got.Status != http.StatusOK {
		t.Errorf("a good request afterwards: %v, status %d: %s", err, got.Status, got.Body)
	}
	s.WantSameWorkers(t, before)
}

// wantProblem checks the status and the form of an error: RFC 9457, with error = title.
func wantProblem(t *testing.T, got harness.Answer, status int) {
	t.Helper()
	if got.Status != status {
		t.Fatalf("status %d, want %d: %.300s", got.Status, status, got.Body)
	}
	if kind := got.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") {
		t.Errorf("Content-Type %q", kind)
	}
	if got.Header.Get("X-Request-ID") == "" {
		t.Error("no X-Request-ID")
	}
	var problem struct {
		Title, Error string
		Status       int
	}
	if err := json.Unmarshal(got.Body, &problem); err != nil {
		t.Fatalf("%v: %.300s", err, got.Body)
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
