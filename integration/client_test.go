package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// notesFile is real study text; the tests that need it skip where the folder beside the repository is absent.
const notesFile = "../../shared/data/notes-photosynthesis.txt"

const userID = "7b1f3c52-58a2-4a52-9a64-52c0a1f6f001"

var client = http.Client{Timeout: 90 * time.Second}

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request. header holds names and values in turn; a JSON content type is set unless it says otherwise.
func (s *service) send(method, path string, body []byte, header ...string) (answer, error) {
	return s.sendBy(&client, method, path, body, header...)
}

// sendBy is send by another client.
func (s *service) sendBy(client *http.Client, method, path string, body []byte, header ...string) (answer, error) {
	request, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	return answer{response.StatusCode, response.Header, text}, err
}

// call sends in as JSON, wants the status and decodes the answer into out; nil leaves either out.
func (s *service) call(t *testing.T, method, path string, in any, status int, out any) {
	t.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.send(method, path, body, "Authorization", "Bearer "+adminToken)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if got.status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, got.status, status, got.body)
	}
	if out != nil {
		if err := json.Unmarshal(got.body, out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, got.body)
		}
	}
}

// adminMetrics is the part of GET /api/admin/metrics that the tests read.
type adminMetrics struct {
	Memory struct {
		ContainerBytes int64 `json:"container_bytes"`
		PeakBytes      int64 `json:"peak_bytes"`
		LimitBytes     int64 `json:"limit_bytes"`
		OOMKills       int64 `json:"oom_kills"`
	} `json:"memory"`
	Workers  []workerMetrics `json:"workers"`
	Recycles map[string]int  `json:"recycles"`
	Cache    struct {
		Items        int64   `json:"items"`
		MaxItems     int64   `json:"max_items"`
		Megabytes    float64 `json:"estimated_size_mb"`
		MaxMegabytes float64 `json:"max_size_mb"`
		Hits         int64   `json:"hits"`
		Evictions    int64   `json:"evictions"`
	} `json:"cache"` // of all workers
	Runs struct {
		Active    int64 `json:"active"`
		Completed int64 `json:"completed"`
	} `json:"runs"`
	SSE struct {
		Active   int64 `json:"active_connections"`
		Sessions int64 `json:"sessions"`
		Queued   int64 `json:"queued_events"`
		Dropped  int64 `json:"dropped_events"`
	} `json:"sse"`
}

// workerMetrics is one worker's part of them.
type workerMetrics struct {
	PID        int    `json:"pid"`
	State      string `json:"state"`
	Goroutines int    `json:"goroutines"`
	RSS        int64  `json:"rss_bytes"`
	Anonymous  int64  `json:"anon_bytes"`
}

// ready is how many workers serve.
func (m adminMetrics) ready() (n int) {
	for _, worker := range m.Workers {
		if worker.State == "ready" {
			n++
		}
	}
	return n
}

// pids are the worker processes, in order.
func (m adminMetrics) pids() []int {
	var pids []int
	for _, worker := range m.Workers {
		pids = append(pids, worker.PID)
	}
	slices.Sort(pids)
	return pids
}

func (s *service) metrics(t *testing.T) adminMetrics {
	t.Helper()
	var m adminMetrics
	s.call(t, http.MethodGet, "/api/admin/metrics", nil, http.StatusOK, &m)
	return m
}

// awaitMetrics looks at the metrics until they are as wanted, or it has been long enough; it returns the last ones.
func (s *service) awaitMetrics(t *testing.T, wanted func(adminMetrics) bool) adminMetrics {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	m, _ := s.await(ctx, t, wanted)
	return m
}

// wantSameWorkers checks that no worker was replaced since before, and that Docker restarted nothing.
func (s *service) wantSameWorkers(t *testing.T, before []int) {
	t.Helper()
	if after := s.metrics(t).pids(); !slices.Equal(before, after) || len(before) != 2 {
		t.Errorf("worker processes were %v and are %v, want the same two", before, after)
	}
	s.wantNoRestart(t)
}

// wantNoRestart checks that Docker restarted nothing, and that the kernel killed nothing.
func (s *service) wantNoRestart(t *testing.T) {
	t.Helper()
	inspect, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if inspect.RestartCount != 0 || !inspect.State.Running || inspect.State.OOMKilled {
		t.Errorf("restarts %d, running %v, OOM killed %v", inspect.RestartCount, inspect.State.Running, inspect.State.OOMKilled)
	}
}

// event is the JSON of one event of a stream.
type event struct {
	ID    string `json:"-"` // its id: line, where that is read
	RunID string `json:"run_id"`
	Type  string `json:"type"`
	Seq   int    `json:"seq"`
	Text  string `json:"text"`
	Data  struct {
		Step       int `json:"step"`
		TotalSteps int `json:"total_steps"`
	} `json:"data"`
	Success   bool   `json:"success"`
	Error     string `json:"error"`
	Retryable bool   `json:"retryable"`
	Missed    int    `json:"missed"`
	Code      string `json:"code"`
}

// follow reads a stream until the server ends it.
func (s *service) follow(t *testing.T, path string) []event {
	t.Helper()
	response, err := client.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("GET %s: %s, Content-Type %q", path, response.Status, kind)
	}
	var events []event
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("the stream broke after %d events: %v", len(events), err)
	}
	return events
}

func notes(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(notesFile)
	if err != nil {
		t.Skipf("the study text is not on this machine: %v", err)
	}
	return string(text)
}
