package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/loadtest/measure"
)

// result returns a run of this many seconds.
func result(seconds int) measure.Result {
	m := measure.Result{Totals: measure.Totals{OK: int64(99 * seconds), Failed: int64(seconds)}, Took: time.Duration(seconds) * time.Second,
		Failures: map[string]int64{"timeout": int64(seconds)}, Counts: map[string]int64{"events": 7},
		Latency: measure.Summary{Count: int64(100 * seconds), Mean: 11, P50: 10, P90: 20, P95: 30, P99: 40, P999: 50, Max: 60},
		Ladder:  []measure.Rung{{Percentile: 0, MS: 1}, {Percentile: 50, MS: 10}, {Percentile: 90, MS: 20}, {Percentile: 99, MS: 40}, {Percentile: 100, MS: 60}},
		Series:  map[string]measure.Summary{"chat": {Count: 5, P99: 12.5}}}
	for i := range seconds {
		m.Seconds = append(m.Seconds, measure.Second{At: i, OK: 99, Failed: 1, P50: 10, P95: 30, P99: 40, Max: 60})
	}
	return m
}

func samples(n int) (all []measure.Sample) {
	for i := range n {
		all = append(all, measure.Sample{At: float64(i), Memory: int64(100+i) * 1e6, Limit: 512e6, Workers: 2, Streams: int64(i), Hits: int64(3 * i), Misses: int64(i),
			Recycles: map[string]int64{"max_requests": int64(5 + i/4), "crash": 1}})
	}
	return all
}

var someRun = Run{Target: "http://127.0.0.1:8000", Scenario: "chat", Model: "closed, 10 at once", Began: time.Unix(1_700_000_000, 0)}

func TestTheServersFiguresAreThoseOfTheRun(t *testing.T) {
	r := New(someRun, result(9), samples(9), 2)
	s := r.Server
	if s.PeakBytes != 108e6 || s.LimitBytes != 512e6 || s.recycled() != 2 || len(s.Recycles) != 1 || s.Hits != 24 || s.Misses != 8 || s.Streams != 8 || s.Unread != 2 {
		t.Errorf("%+v", s)
	}
}

func TestThresholdsAreMetAtTheirValueAndMissedBeyondIt(t *testing.T) {
	for name, test := range map[string]struct {
		goals Goals
		want  bool
	}{
		"none": {Goals{}, true}, "p95": {Goals{MaxP95: 30 * time.Millisecond}, true}, "p95 missed": {Goals{MaxP95: 29 * time.Millisecond}, false},
		"p99": {Goals{MaxP99: 40 * time.Millisecond}, true}, "p99 missed": {Goals{MaxP99: 39 * time.Millisecond}, false},
		"success": {Goals{MinSuccess: 99}, true}, "success missed": {Goals{MinSuccess: 99.1}, false},
		"memory": {Goals{MaxMemory: 108e6}, true}, "memory missed": {Goals{MaxMemory: 108e6 - 1}, false},
		"seed's": {SeedGoals(), true}, "one of two": {Goals{MaxP95: time.Second, MaxP99: time.Millisecond}, false},
	} {
		if r := New(Run{Goals: test.goals}, result(9), samples(9), 0); r.Passed != test.want {
			t.Errorf("%s: passed %v, %+v", name, r.Passed, r.Thresholds)
		}
	}
	if r := New(Run{Goals: Goals{MaxMemory: 1e12}}, result(9), nil, 0); r.Passed {
		t.Error("memory that nobody measured is within its bound")
	}
	if r := New(Run{Goals: Goals{MaxP95: time.Hour, MinSuccess: 1}}, measure.Result{}, nil, 0); r.Passed || r.Thresholds[0].Passed {
		t.Error("no request at all passes")
	}
	if r := New(Run{Interrupted: true}, result(9), nil, 0); r.Passed {
		t.Error("a run that was cut short passes")
	}
}

func TestWithoutThresholdsMoreThanNineTenthsMustSucceed(t *testing.T) {
	for ok, want := range map[int64]bool{90: false, 91: true, 0: false} {
		if r := New(Run{}, measure.Result{Totals: measure.Totals{OK: ok, Failed: 100 - ok}}, nil, 0); r.Passed != want {
			t.Errorf("%d of 100: %v", ok, r.Passed)
		}
	}
}

func TestSizesHaveUnits(t *testing.T) {
	for text, want := range map[string]int64{"150MB": 150e6, "150 mb": 150e6, "1GiB": 1 << 30, "512MiB": 512 << 20, "0.5GB": 5e8, "10kB": 1e4, "1KiB": 1024} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MB", "150", "-1MB", "0MB", "1e99GB", "NaNMB", "InfMB", "1MBit"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestTheJSONIsTheReport(t *testing.T) {
	r := New(Run{Goals: SeedGoals(), Scenario: "chat"}, result(9), samples(9), 0)
	var b, again bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	text, read := b.String(), &Report{}
	err := json.Unmarshal(b.Bytes(), read)
	if err == nil {
		err = read.WriteJSON(&again)
	}
	if err != nil || again.String() != text {
		t.Errorf("%v: %s", err, again.String())
	}
}

func TestLongLinesAreThinnedToTheirHighest(t *testing.T) {
	values := make([]float64, 10_000)
	values[7777] = 9
	if thin := thinned(values, 64); len(thin) != 64 || slices.Max(thin) != 9 {
		t.Errorf("%d values up to %v", len(thin), slices.Max(thin))
	}
}

func TestTheTableSaysWhatThereIs(t *testing.T) {
	var b strings.Builder
	New(Run{Goals: SeedGoals(), Late: time.Second, Scenario: "recycle"}, result(9), samples(9), 1).WriteTable(&b)
	for _, want := range []string{"Total requests: 900\nSuccessful: 891 (99.0%)\nFailed: 9\n  9 x timeout\nDuration: 9.00s\nRequests/second: 100.00\nLatency: p50 10 ms, p95 30 ms",
		"Memory: peak 108.0 MB of 512.0 MB\nWorkers recycled: 2 (2 max_requests)\nCache: 75% of 32 hit\nStreams at the service: up to 8", "all requests  900", "chat",
		"Events: 7", "p99 in ms, by second", "requests by second", "memory in MB", "begun up to 1 s after", "1 readings of the service",
		"p95: 30 ms, at most 8 s: passed\nmemory: 108.0 MB, at most 150.0 MB: passed\nLoad test PASSED (every threshold)\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

func TestMemoryAboveTheLimitIsNotTheServicesAlone(t *testing.T) {
	all := samples(4)
	for i := range all {
		all[i].RSS = 60e6
	}
	if r := New(someRun, result(4), all, 0); len(r.Notes) != 0 || r.Server.PeakRSS != 60e6 {
		t.Errorf("within its limit: %q", r.Notes)
	}
	all[3].Memory = 512e6 + 1
	if r := New(someRun, result(4), all, 0); len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "up to 60.0 MB") {
		t.Errorf("above it: %q", r.Notes)
	}
}

func TestZerosWithoutARecycleProveNothing(t *testing.T) {
	r := New(Run{Scenario: "recycle"}, result(2), samples(2), 0)
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "prove nothing") {
		t.Errorf("%q", r.Notes)
	}
}

func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	if err := New(someRun, result(1), nil, 0).WriteJSON(full{}); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestTimesAreWrittenForPeople(t *testing.T) {
	for n, want := range map[float64]string{0: "0 ms", 0.0421: "0.042 ms", 3.5: "3.5 ms", 12.34: "12.3 ms", 123.4: "123 ms", 1234: "1.23 s", 8000: "8 s", 123456: "123.5 s"} {
		if got := ms(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[float64]string{100: "100%", 99.99999: "99.9999%", 99.96: "99.9600%", 99: "99%", 0: "0%"} {
		if got := percent(n); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
}
