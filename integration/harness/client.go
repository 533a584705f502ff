package harness

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"studysharper/app/testkit"
)

// ChatURL is the path of the endpoint that answers a request in one piece.
const ChatURL = "/api/ai/agent-test"

// NotesFile is real study text. Tests that need it skip if the folder next to the repository does not exist.
const NotesFile = "../../../shared/data/notes-photosynthesis.txt"

// UserID is the user of requests that need only one.
const UserID = "7b1f3c52-58a2-4a52-9a64-52c0a1f6f001"

var httpClient = http.Client{Timeout: 90 * time.Second}

// Answer is a complete response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send makes one request. header alternates names and values; the content type is JSON unless header sets another.
func (s *Service) Send(method, path string, body []byte, header ...string) (Answer, error) {
	return s.SendBy(&httpClient, method, path, body, header...)
}

// SendBy is Send with another HTTP client.
func (s *Service) SendBy(client *http.Client, method, path string, body []byte, header ...string) (Answer, error) {
	request, err := http.NewRequest(method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	return Answer{response.StatusCode, response.Header, text}, err
}

// Call sends in as JSON, checks the status and decodes the answer into out; each of in and out may be nil.
func (s *Service) Call(t *testing.T, method, path string, in any, status int, out any) {
	t.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Send(method, path, body, "Authorization", "Bearer "+AdminToken)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if got.Status != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, path, got.Status, status, got.Body)
	}
	if out != nil {
		if err := json.Unmarshal(got.Body, out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, got.Body)
		}
	}
}

// Metrics is the part of GET /api/admin/metrics that the tests read.
type Metrics struct {
	Memory struct {
		ContainerBytes int64 `json:"container_bytes"`
		PeakBytes      int64 `json:"peak_bytes"`
		LimitBytes     int64 `json:"limit_bytes"`
		OOMKills       int64 `json:"oom_kills"`
	} `json:"memory"`
	Workers  []WorkerMetrics `json:"workers"`
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

// WorkerMetrics is one worker's part of the metrics.
type WorkerMetrics struct {
	PID        int    `json:"pid"`
	State      string `json:"state"`
	Goroutines int    `json:"goroutines"`
	RSS        int64  `json:"rss_bytes"`
	Anonymous  int64  `json:"anon_bytes"`
}

// Ready returns how many workers are ready.
func (m Metrics) Ready() (n int) {
	for _, worker := range m.Workers {
		if worker.State == "ready" {
			n++
		}
	}
	return n
}

// PIDs returns the sorted process ids of the workers, in the container.
func (m Metrics) PIDs() []int {
	var pids []int
	for _, worker := range m.Workers {
		pids = append(pids, worker.PID)
	}
	slices.Sort(pids)
	return pids
}

// Metrics returns the admin metrics.
func (s *Service) Metrics(t *testing.T) Metrics {
	t.Helper()
	var m Metrics
	s.Call(t, http.MethodGet, "/api/admin/metrics", nil, http.StatusOK, &m)
	return m
}

// AwaitMetrics waits until wanted returns true for the metrics, for ReadyWithin at most, and returns the latest ones.
func (s *Service) AwaitMetrics(t *testing.T, wanted func(Metrics) bool) Metrics {
	t.Helper()
	m, _ := s.AwaitMetricsFor(t, ReadyWithin, wanted)
	return m
}

// WantSameWorkers checks that no worker was replaced since before, and that Docker restarted nothing.
func (s *Service) WantSameWorkers(t *testing.T, before []int) {
	t.Helper()
	if after := s.Metrics(t).PIDs(); !slices.Equal(before, after) || len(before) != 2 {
		t.Errorf("worker processes were %v and are %v, want the same two", before, after)
	}
	s.WantNoRestart(t)
}

// WantNoRestart checks that Docker restarted nothing, and that the kernel killed nothing.
func (s *Service) WantNoRestart(t *testing.T) {
	t.Helper()
	inspect, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if inspect.RestartCount != 0 || !inspect.State.Running || inspect.State.OOMKilled {
		t.Errorf("restarts %d, running %v, OOM killed %v", inspect.RestartCount, inspect.State.Running, inspect.State.OOMKilled)
	}
}

// Notes returns the text of NotesFile.
func Notes(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(NotesFile)
	if err != nil {
		t.Skipf("the study text is not on this machine: %v", err)
	}
	return string(text)
}

// Settled reports whether two workers are ready and no other exists.
func (m Metrics) Settled() bool {
	return m.Ready() == 2 && len(m.Workers) == 2
}

// probe reads metrics over a new connection each time, and waits for 2 s at most.
var probe = http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// TryMetrics returns the admin metrics; false if the service does not answer, for example while its workers are
// replaced.
func (s *Service) TryMetrics() (m Metrics, ok bool) {
	got, err := s.SendBy(&probe, http.MethodGet, "/api/admin/metrics?hours=0", nil, "Authorization", "Bearer "+AdminToken)
	ok = err == nil && got.Status == http.StatusOK && json.Unmarshal(got.Body, &m) == nil
	return m, ok
}

// Probe requests a path over a new connection, and returns the status; 0 without an answer within 2 s.
func (s *Service) Probe(path string) (status int) {
	got, err := s.SendBy(&probe, http.MethodGet, path, nil)
	if err != nil {
		return 0
	}
	return got.Status
}

// metricsEvery is the interval at which the metrics are read.
const metricsEvery = 200 * time.Millisecond

// AwaitMetricsFor is AwaitMetrics with another time limit. It also returns the highest number of workers seen at once.
func (s *Service) AwaitMetricsFor(t *testing.T, within time.Duration, wanted func(Metrics) bool) (m Metrics, workers int) {
	t.Helper()
	testkit.PollFor(within, metricsEvery, func() bool {
		m = s.Metrics(t)
		workers = max(workers, len(m.Workers))
		return wanted(m)
	})
	return m, workers
}
