package servicetest

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/app/testkit/openapitest"
)

// Ask sends a request with the admin token on a new connection, so that either worker may answer, and returns the
// status and the JSON body. The test fails for an answer that the OpenAPI document does not describe.
func (s *Service) Ask(method, path, body string) (int, map[string]any) {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	req.Header.Set("X-Admin-Token", AdminToken)
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		s.T.Fatalf("%s %s: %v\n%s", method, path, err, s.Log)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	s.documented(res, []byte(body), text)
	got := map[string]any{}
	_ = json.Unmarshal(text, &got)
	return res.StatusCode, got
}

// Watch reads a stream to its end and returns its events.
func (s *Service) Watch(path string) []map[string]any {
	s.T.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	res, err := client.Get(s.URL + path)
	if err != nil {
		s.T.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(res.Body)
		s.T.Fatalf("GET %s: %d %s\n%s", path, res.StatusCode, said, s.Log)
	}
	var events []map[string]any
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var e map[string]any
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				s.T.Fatalf("%s: %v", data, err)
			}
			events = append(events, e)
		}
	}
	return events
}

// Workers returns the live workers as the admin metrics show them.
func (s *Service) Workers() []map[string]any {
	s.T.Helper()
	_, got := s.Ask("GET", "/api/admin/metrics", "")
	var list []map[string]any
	for _, w := range got["workers"].([]any) {
		list = append(list, w.(map[string]any))
	}
	return list
}

// Notes returns a real study text; the test is skipped if it does not exist.
func Notes(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testkit.Root(), "..", "shared", "data", "notes-photosynthesis.txt"))
	if err != nil {
		t.Skipf("no study text: %v", err)
	}
	return string(text)
}

// Request returns the body of a request for an aid of a kind.
func Request(kind, message string, options map[string]any) string {
	body, err := json.Marshal(map[string]any{"type": kind, "user_id": "student", "message": message, "options": options})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// PIDs returns the process ids of the ready workers.
func (s *Service) PIDs() map[int]bool {
	pids := map[int]bool{}
	for _, w := range s.Workers() {
		if w["state"] == "ready" {
			pids[int(w["pid"].(float64))] = true
		}
	}
	return pids
}

// Streams returns the number of open streams according to the service.
func (s *Service) Streams() float64 {
	s.T.Helper()
	_, got := s.Ask("GET", "/api/ai/stream-status", "")
	return got["active_connections"].(float64)
}

// Scrape returns the samples of /metrics, by name and labels, and its text.
func (s *Service) Scrape() (map[string]float64, string) {
	s.T.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(s.URL + "/metrics")
	if err != nil {
		s.T.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		s.T.Fatalf("%d %v", res.StatusCode, err)
	}
	got := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			got[name] = n
		}
	}
	return got, string(text)
}

// Document returns the OpenAPI document of the service.
var Document = sync.OnceValue(func() *openapitest.Document {
	text, err := os.ReadFile(filepath.Join(testkit.Root(), "app", "httpapi", "openapi.json"))
	if err != nil {
		panic(err)
	}
	d, err := openapitest.Parse(text)
	if err != nil {
		panic(err)
	}
	return d
})

// documented fails the test for an answer that the document does not describe.
func (s *Service) documented(res *http.Response, asked, answered []byte) {
	s.T.Helper()
	err := Document().Check(openapitest.Exchange{Method: res.Request.Method, Path: res.Request.URL.Path, Request: asked,
		Status: res.StatusCode, Header: res.Header, Response: answered})
	if err != nil {
		s.T.Errorf("not as the document has it: %v", err)
	}
}
