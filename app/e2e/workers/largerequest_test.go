package workers_test

import (
	"fmt"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/loadtest/fakellm"
)

// largestGrowth is how much more memory than an idle service one request of 1 MB may use.
const largestGrowth = 12 << 20

// TestARequestOfOneMegabyteTakesLittleMemory measures the workers' anonymous memory at its peak. The collector is
// configured as in the container: a machine without a memory limit is budgeted like one with 512 MB.
func TestARequestOfOneMegabyteTakesLittleMemory(t *testing.T) {
	testkit.SkipRace(t)
	testkit.SkipShort(t, "starts the service 14 times")
	text := largeText(t)
	for _, c := range []struct {
		name string
		env  func(*testing.T) []string
	}{
		{"by the built-in engine", func(*testing.T) []string { return nil }},
		{"by a model", func(t *testing.T) []string {
			m := fakellm.New(fakellm.Options{Answer: fakellm.StudyAnswer})
			return []string{"LLM_API_KEY=k", "LLM_BASE_URL=" + testkit.HTTPServer(t, m.ServeHTTP) + "/v1"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range study.Types() {
				s := servicetest.Start(t, append(c.env(t), "WEB_CONCURRENCY=1", "MAX_REQUESTS=0")...)
				for _, warm := range study.Types() {
					askAbout(s, warm, text[:20_000])
				}
				testkit.ForgetPeak(t, worker(s))
				idle := heldBy(t, s)
				askAbout(s, kind, text)
				peak, now := peakOf(t, s), heldBy(t, s)
				t.Logf("%s: idle %.1f MiB, peak %+.1f, afterwards %+.1f", kind, mebi(idle), mebi(peak-idle), mebi(now-idle))
				if peak-idle > largestGrowth {
					t.Errorf("%s: %.1f MiB more than idle, want at most 12", kind, mebi(peak-idle))
				}
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func mebi(n int64) float64 { return float64(n) / (1 << 20) }

func askAbout(s *servicetest.Service, kind study.Type, text string) {
	s.T.Helper()
	message := "What did the Congress do about the price of rent?"
	if status, got := s.Ask("POST", "/api/ai/agent-test", servicetest.Request(string(kind), message, map[string]any{"content": text})); status != 200 {
		s.T.Errorf("%s: %d %v", kind, status, got)
	}
}

// largeText returns a text of nearly 1 MB in which all parts differ.
func largeText(t *testing.T) string {
	var b strings.Builder
	for i := 0; b.Len() < 1_000_000; i++ {
		other := strings.NewReplacer("Congress", fmt.Sprint("Congress ", i), "price", fmt.Sprint("price", i), "contract", fmt.Sprint("contract", i), "the ", fmt.Sprintf("the %c", 'a'+i%26), ". ", fmt.Sprintf(" %d. ", i))
		for _, name := range []string{"t01_history_reconstruction.txt", "t02_economics_pricecontrols.md", "t05_law_contracts.txt"} {
			_, _ = other.WriteString(&b, testkit.ReadFile(t, "app/e2e/retrieval/testdata/"+name))
			b.WriteString("\n\n")
		}
	}
	return strings.ToValidUTF8(b.String()[:1_000_000], "")
}

// worker returns the process id of the service's only worker.
func worker(s *servicetest.Service) int { return keys(s.PIDs())[0] }

// heldBy returns the worker's anonymous memory.
func heldBy(t *testing.T, s *servicetest.Service) int64 {
	return testkit.StatusBytes(t, worker(s), "RssAnon")
}

// peakOf returns the worker's peak memory since forgetPeak, excluding mapped files, whose pages stay.
func peakOf(t *testing.T, s *servicetest.Service) int64 {
	pid := worker(s)
	return testkit.StatusBytes(t, pid, "VmHWM") - testkit.StatusBytes(t, pid, "RssFile") - testkit.StatusBytes(t, pid, "RssShmem")
}
