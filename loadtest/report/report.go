// Package report presents the results of a load test: to people on a terminal, and to programs as JSON. The one idea:
// a Report is plain data and contains everything; each form is a function of it.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"studysharper/loadtest/measure"
)

const version = 1 // of the JSON

// Report describes a run. Latencies are those of all requests, including failed ones; in an
// open load they count from when a request was due.
type Report struct {
	Version     int       `json:"version"`
	Target      string    `json:"target"`
	Scenario    string    `json:"scenario"`
	Model       string    `json:"model"` // description of the load
	Began       time.Time `json:"began"`
	Interrupted bool      `json:"interrupted"`
	Passed      bool      `json:"passed"`

	Total      int64            `json:"total"`
	OK         int64            `json:"ok"`
	Failed     int64            `json:"failed"`
	Failures   map[string]int64 `json:"failures"`
	DurationMS float64          `json:"duration_ms"`
	RPS        float64          `json:"rps"`
	P50MS      float64          `json:"p50_ms"`
	P95MS      float64          `json:"p95_ms"`
	P99MS      float64          `json:"p99_ms"`
	LateMS     float64          `json:"late_ms"` // the greatest delay of a request after it was due

	Latency     measure.Summary            `json:"latency"`
	Percentiles []measure.Rung             `json:"percentiles"`
	Series      map[string]measure.Summary `json:"series"`
	Counts      map[string]int64           `json:"counts"`
	Seconds     []measure.Second           `json:"seconds"`
	Server      *Server                    `json:"server,omitempty"` // nil = the service was not asked
	Thresholds  []Threshold                `json:"thresholds"`
	Notes       []string                   `json:"notes"`
}

// Server is what the service reported about itself during the run.
type Server struct {
	PeakBytes  int64            `json:"peak_bytes"`     // the highest reading
	PeakRSS    int64            `json:"peak_rss_bytes"` // of the processes alone
	LimitBytes int64            `json:"limit_bytes"`    // 0 = unknown
	Recycles   map[string]int64 `json:"recycles"`       // during the run, by reason
	Hits       int64            `json:"cache_hits"`     // during the run, like the next ones
	Misses     int64            `json:"cache_misses"`
	Shed       int64            `json:"runs_shed"`
	OOMKills   int64            `json:"oom_kills"`
	Streams    int64            `json:"most_streams"`
	Unread     int              `json:"readings_failed"`
	Samples    []measure.Sample `json:"samples"`
}

// Run is the part of a Report that is not measured.
type Run struct {
	Target, Scenario, Model string
	Began                   time.Time
	Interrupted             bool
	Late                    time.Duration
	Goals                   Goals
}

// New returns a Report, with the goals judged. samples is nil if the service was not asked.
func New(run Run, m measure.Result, samples []measure.Sample, unread int) *Report {
	r := &Report{Version: version, Target: run.Target, Scenario: run.Scenario, Model: run.Model, Began: run.Began.UTC(),
		Interrupted: run.Interrupted, Total: m.All(), OK: m.OK, Failed: m.Failed, Failures: m.Failures,
		DurationMS: float64(m.Took.Microseconds()) / 1000, RPS: float64(m.All()) / max(m.Took.Seconds(), 1e-9),
		P50MS: m.Latency.P50, P95MS: m.Latency.P95, P99MS: m.Latency.P99, LateMS: float64(run.Late.Microseconds()) / 1000,
		Latency: m.Latency, Percentiles: m.Ladder, Series: m.Series, Counts: m.Counts, Seconds: m.Seconds}
	if len(samples) > 0 {
		r.Server = newServer(samples, unread)
	}
	r.judge(run.Goals)
	r.note(run, unread)
	return r
}

func newServer(samples []measure.Sample, unread int) *Server {
	first, last := samples[0], samples[len(samples)-1]
	s := &Server{Samples: samples, Unread: unread, LimitBytes: last.Limit, Recycles: map[string]int64{}, Hits: last.Hits - first.Hits,
		Misses: last.Misses - first.Misses, Shed: last.Shed - first.Shed, OOMKills: last.OOMKills - first.OOMKills}
	for reason, n := range last.Recycles {
		if since := n - first.Recycles[reason]; since > 0 {
			s.Recycles[reason] = since
		}
	}
	for _, sample := range samples {
		s.PeakBytes, s.PeakRSS, s.Streams = max(s.PeakBytes, sample.Memory), max(s.PeakRSS, sample.RSS), max(s.Streams, sample.Streams)
	}
	return s
}

// rates returns the number of requests that ended in each full second; the last second is usually not full.
func (r *Report) rates() []measure.Second {
	if last := len(r.Seconds) - 1; last > 0 && r.DurationMS < 1000*float64(r.Seconds[last].At+1) {
		return r.Seconds[:last]
	}
	return r.Seconds
}

// recycled returns how many workers were recycled during the run.
func (s *Server) recycled() (sum int64) {
	for _, n := range s.Recycles {
		sum += n
	}
	return sum
}

// note adds what a reader should know about the figures.
func (r *Report) note(run Run, unread int) {
	add := func(format string, args ...any) { r.Notes = append(r.Notes, fmt.Sprintf(format, args...)) }
	if run.Late > 10*time.Millisecond {
		add("Requests were begun up to %s after they were due: all clients were busy, or this machine was. Their latencies count from when they were due.", ms(r.LateMS))
	}
	if r.Failures["status 429"] > 0 {
		add("The service limits its clients (status 429): start it with RATE_LIMIT_PER_MINUTE=0, RATE_LIMIT_PER_HOUR=0, RUN_LIMIT_PER_MINUTE=0 and RUN_LIMIT_PER_HOUR=0, and with MAX_CONCURRENT_RUNS_PER_CLIENT and SSE_MAX_STREAMS_PER_CLIENT as high as all clients together need, to measure more than that.")
	}
	if r.Failures["status 401"] > 0 {
		add("The service requires authentication (status 401): give -token.")
	}
	switch {
	case r.Server == nil && unread > 0:
		add("No reading of the service's metrics succeeded, of %d.", unread)
	case r.Server == nil:
	case r.Server.OOMKills > 0:
		add("The kernel killed %d processes of the service because memory ran out.", r.Server.OOMKills)
	case r.Server.Unread > 0:
		add("%d readings of the service's metrics failed.", r.Server.Unread)
	}
	if s := r.Server; s != nil && s.LimitBytes > 0 && s.PeakBytes > s.LimitBytes {
		add("The service's control group holds more than its limit: it does not run in its own container, and others' memory is in that figure. Its processes took up to %s.", size(s.PeakRSS))
	}
	if r.Scenario == "recycle" && (r.Server == nil || r.Server.recycled() == 0) {
		add("No worker is known to have been recycled during the run, so zero failures prove nothing. Give -admin-token, and a service with a low MAX_REQUESTS.")
	}
}

// WriteJSON writes the report for programs.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
