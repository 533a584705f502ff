package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

const progressEvery = 10 // requests, between two progress lines

var rule = strings.Repeat("=", 50)

// test runs one load test and gives the exit status.
func test(ctx context.Context, s settings, stdout, stderr io.Writer) int {
	people := stdout
	if s.json {
		people = stderr
	}
	fmt.Fprintf(people, "=== Load Test ===\nTarget: %s\nTotal requests: %d\nConcurrent: %d\n%s\n\n",
		s.target.Redacted(), s.requests, s.concurrent, rule)
	client := newClient(s)
	defer client.CloseIdleConnections()
	status, err := health(ctx, client, s)
	if err != nil {
		fmt.Fprintln(stderr, "loadtest:", err)
		return exitNoHealth
	}
	fmt.Fprintf(people, "Server healthy: %s\n\nStarting load test...\n\n", status)
	t := load(ctx, client, s, progress(people, s.requests))
	printResults(people, t)
	if s.json {
		if err := printJSON(stdout, t); err != nil {
			fmt.Fprintln(stderr, "loadtest:", err)
			return exitFailed
		}
	}
	return verdict(people, t, s)
}

// verdict prints whether the test passed and gives the exit status.
func verdict(w io.Writer, t *tally, s settings) int {
	switch done := t.ok + t.failed(); {
	case done < s.requests:
		fmt.Fprintf(w, "\nLoad test FAILED (interrupted after %d of %d requests)\n", done, s.requests)
	case t.passed():
		fmt.Fprintf(w, "\nLoad test PASSED (>90%% success rate)\n")
		return exitPassed
	default:
		fmt.Fprintf(w, "\nLoad test FAILED (not >90%% success rate)\n")
	}
	return exitFailed
}

// progress shows how far the run is: a bar on a terminal, lines elsewhere.
func progress(w io.Writer, total int) func(*tally) {
	if terminal(w) {
		bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		return func(*tally) { _ = bar.Add(1) } // a bar that cannot be drawn is no reason to stop
	}
	return func(t *tally) {
		if done := t.ok + t.failed(); done%progressEvery == 0 || done == total {
			fmt.Fprintf(w, "Progress: %d/%d requests (%d successful)\n", done, total, t.ok)
		}
	}
}

// terminal reports whether w is a character device other than the null device.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// printResults prints the figures for people.
func printResults(w io.Writer, t *tally) {
	r := t.summary()
	fmt.Fprintf(w, "\n%s\n=== Results ===\n%s\nTotal requests: %d\nSuccessful: %d (%.1f%%)\nFailed: %d\n",
		rule, rule, r.Total, r.OK, 100*float64(r.OK)/float64(max(r.Total, 1)), r.Failed)
	for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(w, "  %d x %s\n", r.Failures[kind], kind)
	}
	fmt.Fprintf(w, "Duration: %.2fs\nRequests/second: %.2f\nLatency: p50 %.1f ms, p95 %.1f ms, p99 %.1f ms\n",
		r.DurationMS/1000, r.RPS, r.P50MS, r.P95MS, r.P99MS)
}

// summary is the result as -json writes it. Latencies are those of all requests,
// the failed ones included.
type summary struct {
	Total      int            `json:"total"`
	OK         int            `json:"ok"`
	Failed     int            `json:"failed"`
	Failures   map[string]int `json:"failures"`
	DurationMS float64        `json:"duration_ms"`
	RPS        float64        `json:"rps"`
	P50MS      float64        `json:"p50_ms"`
	P95MS      float64        `json:"p95_ms"`
	P99MS      float64        `json:"p99_ms"`
}

func (t *tally) summary() summary {
	failed := t.failed()
	at := func(percentile float64) float64 { return float64(t.times.ValueAtPercentile(percentile)) / 1000 }
	return summary{Total: t.ok + failed, OK: t.ok, Failed: failed, Failures: t.failures,
		DurationMS: float64(t.took.Microseconds()) / 1000,
		RPS:        float64(t.ok+failed) / max(t.took.Seconds(), 1e-9),
		P50MS:      at(50), P95MS: at(95), P99MS: at(99)}
}

func printJSON(w io.Writer, t *tally) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(t.summary())
}
