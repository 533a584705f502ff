package contract_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/testkit"
)

// rises reports whether a sample is of a kind that must never decrease.
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
	s := servicetest.Start(t, "MAX_REQUESTS=20", "MAX_REQUESTS_JITTER=0", "MIN_WORKER_AGE=0")
	const asked = 150
	before, _ := s.Scrape()
	for i := range asked {
		if status, got := s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "hello", nil)); status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		now, _ := s.Scrape()
		for name, value := range before {
			if after, there := now[name]; rises(name) && (!there || after < value) {
				t.Fatalf("after %d requests %s fell from %v to %v (%v)", i+1, name, value, after, there)
			}
		}
		before = now
	}
	s.Eventually("workers were recycled", func() bool {
		before, _ = s.Scrape()
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
	s := servicetest.Start(t)
	s.Ask("POST", "/api/ai/process", servicetest.Request("chat", "hello", nil))
	_, text := s.Scrape()
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// metricName finds the metrics of the service in a text.
var metricName = regexp.MustCompile(`\bstudysharper_[a-z_]+\b`)

func TestTheDashboardAndTheAlertsAskForMetricsThatThereAre(t *testing.T) {
	s := servicetest.Start(t)
	_, text := s.Scrape()
	exposed := metricName.FindAllString(text, -1)
	used := map[string]bool{}
	for _, file := range []string{"grafana-dashboard.json", "alerts.yml"} {
		asked, err := os.ReadFile(filepath.Join(testkit.Root(), "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		names := metricName.FindAllString(string(asked), -1)
		for _, name := range names {
			used[name] = true
			if !slices.Contains(exposed, name) {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
		if len(names) == 0 {
			t.Errorf("%s asks for nothing", file)
		}
	}
	for _, name := range []string{"studysharper_http_requests_total", "studysharper_container_memory_bytes", "studysharper_run_duration_seconds_bucket"} {
		if !used[name] {
			t.Errorf("nothing shows %s", name)
		}
	}
}
