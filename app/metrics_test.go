package main

import (
	"bufio"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"studysharper/app/metrics"
	"studysharper/app/shm"
	"studysharper/app/study"
	"studysharper/app/text"
)

// scrape gives the samples of /metrics, by name and labels, and its text.
func (s *service) scrape() (map[string]float64, string) {
	s.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(s.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		s.t.Fatalf("%d %v", res.StatusCode, err)
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

// rises reports whether a sample is of a kind that must never fall.
func rises(name string) bool {
	name, _, _ = strings.Cut(name, "{")
	for _, suffix := range []string{"_total", "_bucket", "_sum", "_count"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func TestNoCounterFallsWhileWorkersAreRecycled(t *testing.T) {
	s := start(t, "MAX_REQUESTS=20", "MAX_REQUESTS_JITTER=0")
	const asked = 150
	before, _ := s.scrape()
	for i := range asked {
		if status, got := s.ask("POST", "/api/ai/process", request("chat", "hello", nil)); status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		now, _ := s.scrape()
		for name, value := range before {
			if after, there := now[name]; rises(name) && (!there || after < value) {
				t.Fatalf("after %d requests %s fell from %v to %v (%v)", i+1, name, value, after, there)
			}
		}
		before = now
	}
	s.eventually("workers were recycled", func() bool {
		before, _ = s.scrape()
		return before[`studysharper_worker_recycles_total{reason="max_requests"}`] >= 2
	})
	for name, want := range map[string]float64{
		"studysharper_http_requests_total": asked, `studysharper_http_responses_total{code="200"}`: asked,
		`studysharper_http_request_duration_seconds_count{route="process"}`: asked,
		"studysharper_run_duration_seconds_count":                           asked, `studysharper_runs_total{outcome="completed"}`: asked,
	} {
		if before[name] != want {
			t.Errorf("%s: got %v, want %v", name, before[name], want)
		}
	}
	if before["studysharper_http_probes_total"] < asked {
		t.Errorf("%v scrapes counted", before["studysharper_http_probes_total"])
	}
}

func TestTheServicesMetricsPassPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	s := start(t)
	s.ask("POST", "/api/ai/process", request("chat", "hello", nil))
	_, text := s.scrape()
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestACallOfTheModelIsCountedByHowItCameOut(t *testing.T) {
	b := metrics.NewBoard(shm.Local(metrics.BoardSize))
	index, _ := b.Claim(0, 1)
	observe := observeCalls(b.Worker(index))
	for code, want := range map[study.Code]metrics.Counter{
		study.CodeUpstreamFailed: metrics.UpstreamFailed, study.CodeWithheld: metrics.UpstreamFailed, study.CodeUpstreamTimeout: metrics.UpstreamTimeout,
		study.CodeUpstreamUnavailable: metrics.UpstreamUnavailable, study.CodeTimeout: metrics.UpstreamCancelled, study.CodeUnavailable: metrics.UpstreamCancelled,
	} {
		before := b.Snapshot().Total(want)
		observe(1, -5, study.Errorf(code, "x"))
		if after := b.Snapshot().Total(want); after != before+1 {
			t.Errorf("%s is not counted as it should be", code)
		}
	}
	observe(1, 7, nil)
	if s := b.Snapshot(); s.Total(metrics.UpstreamOK) != 1 || s.Total(metrics.UpstreamTokens) != 7 || s.Distribution(metrics.UpstreamCalls).Count() != 7 {
		t.Errorf("%d calls, %d tokens", s.Total(metrics.UpstreamOK), s.Total(metrics.UpstreamTokens))
	}
}

func TestPanicsOnTextsAreCountedAndLoggedOnceForEachPlace(t *testing.T) {
	b := metrics.NewBoard(shm.Local(metrics.BoardSize))
	index, _ := b.Claim(0, 1)
	var out strings.Builder
	observe := observeTextPanics(b.Worker(index), slog.New(slog.NewTextHandler(&out, nil)))
	for _, place := range []string{"text.clauseStart (naming.go:1)", "text.clauseStart (naming.go:1)", "text.plain (section.go:2)"} {
		observe(text.Panic{Type: "runtime.boundsError", Place: place})
	}
	if n := b.Snapshot().Total(metrics.TextPanics); n != 3 || strings.Count(out.String(), "\n") != 2 || strings.Count(out.String(), "naming.go:1") != 1 || !strings.Contains(out.String(), "type=runtime.boundsError") {
		t.Errorf("%d counted, logged\n%s", n, &out)
	}
}
