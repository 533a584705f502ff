package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/agent"
	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
	"studysharper/app/store"
	"studysharper/app/study"
)

// scrape returns the samples of /metrics by their name with labels.
func (f *face) scrape() map[string]float64 {
	f.t.Helper()
	r := f.ask("GET", "/metrics", "")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		f.t.Fatalf("%d %v", r.StatusCode, r.Header)
	}
	got := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(r.body)); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || name == "#" {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if _, twice := got[name]; err != nil || twice {
			f.t.Errorf("%q: %v, said before: %v", lines.Text(), err, twice)
		}
		got[name] = n
	}
	return got
}

func TestMetricsCountRequestsByStatusAndRouteButNoProbes(t *testing.T) {
	f := serve(t)
	f.runs.do = func(q study.Request) (agent.Outcome, error) {
		if q.Message == "full" {
			return agent.Outcome{}, study.Errorf(study.CodeOverloaded, "full")
		}
		return answer(q)
	}
	f.ask("POST", "/api/ai/process", chat)
	f.ask("POST", "/api/ai/agent-test/", chat)
	f.ask("POST", "/api/ai/process", strings.Replace(chat, "hello", "full", 1))
	f.ask("POST", "/api/ai/process-stream", chat)
	f.ask("GET", "/api/ai/stream-status", "")
	f.ask("GET", "/api/notes?user_id=u", "")
	f.ask("GET", "/api/admin/metrics", "")
	f.ask("GET", "/", "")
	f.ask("GET", "/nowhere?x=canary", "")
	for _, path := range []string{"/livez", "/readyz", "/health", "/metrics"} {
		f.ask("GET", path, "")
	}
	got := f.scrape()
	count := func(route string) string {
		return `studysharper_http_request_duration_seconds_count{route="` + route + `"}`
	}
	for name, want := range map[string]float64{
		"studysharper_http_requests_total": 9, "studysharper_http_probes_total": 4,
		`studysharper_http_responses_total{code="200"}`: 6, `studysharper_http_responses_total{code="403"}`: 1,
		`studysharper_http_responses_total{code="404"}`: 1, `studysharper_http_responses_total{code="503"}`: 1,
		`studysharper_http_responses_total{code="429"}`: 0, `studysharper_http_responses_total{code="401"}`: 0,
		count("process"): 3, count("process_stream"): 1, count("stream"): 0, count("library"): 1, count("notes"): 1,
		count("admin"): 1, count("other"): 2, `studysharper_workers{state="booting"}`: 1,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s: got %v (%v), want %v", name, value, ok, want)
		}
	}
}

func TestMetricsTellOutcomesAndUseOfTheModels(t *testing.T) {
	f := serve(t, func(o *Options) { o.Models = []string{"maker/first", "second"} })
	observe := metrics.ObserveCalls(f.board.Worker(1), []string{"maker/first", "second"})
	observe("maker/first", time.Second, study.Answer{}, study.Errorf(study.CodeUpstreamLimited, "x"))
	observe("second", time.Second, study.Answer{PromptTokens: 40, CompletionTokens: 2, Cost: 0.25}, nil)
	got := f.scrape()
	for name, want := range map[string]float64{
		`studysharper_upstream_calls_total{outcome="rate_limited"}`: 1, `studysharper_upstream_calls_total{outcome="ok"}`: 1,
		`studysharper_upstream_calls_total{outcome="failed"}`: 0, `studysharper_upstream_calls_total{outcome="unavailable"}`: 0,
		`studysharper_upstream_model_tokens_total{model="second",kind="prompt"}`: 40, `studysharper_upstream_model_tokens_total{model="second",kind="completion"}`: 2,
		`studysharper_upstream_model_tokens_total{model="maker/first",kind="prompt"}`: 0, `studysharper_upstream_model_cost_total{model="second"}`: 0.25,
		`studysharper_upstream_model_cost_total{model="other"}`: 0,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s: got %v (%v), want %v", name, value, ok, want)
		}
	}
}

// sized is a store that counts the queries of its size.
type sized struct {
	store.Store
	bytes int64
	err   error
	asked int
}

func (s *sized) Size(context.Context) (int64, error) { s.asked++; return s.bytes, s.err }

func TestMetricsTellTheDatabaseAndTheDisk(t *testing.T) {
	database := &sized{bytes: 12345}
	f := serve(t, func(o *Options) {
		database.Store = o.Store
		o.Store, o.Disk = database, fixedDisk(1<<30)
	})
	for range 3 {
		got := f.scrape()
		if got["studysharper_database_bytes"] != 12345 || got["studysharper_disk_free_bytes"] != 1<<30 || got["studysharper_disk_reserve_bytes"] != 64<<20 {
			t.Errorf("database %v, disk %v, reserve %v", got["studysharper_database_bytes"], got["studysharper_disk_free_bytes"], got["studysharper_disk_reserve_bytes"])
		}
	}
	if database.asked != 1 {
		t.Errorf("three scrapes asked the database %d times", database.asked)
	}
}

func TestTheSizeOfADatabaseThatDoesNotAnswerStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var size databaseSize
		for _, step := range []struct {
			bytes int64
			err   error
			want  int64
		}{{0, errors.New("away"), 0}, {7, nil, 7}, {0, errors.New("away"), 7}, {9, nil, 9}} {
			got := size.read(t.Context(), func(context.Context) (int64, error) { return step.bytes, step.err })
			if got != step.want {
				t.Errorf("%d, %v: %d", step.bytes, step.err, got)
			}
			time.Sleep(sizeEvery + 1)
		}
	})
}

func TestMetricsHaveThoseOfEveryClientLibrary(t *testing.T) {
	f := serve(t)
	f.board.Supervisor().Set(metrics.PID, int64(os.Getpid()))
	f.board.Supervisor().Set(metrics.Started, 1700000000*int64(time.Second))
	f.board.Supervisor().Set(metrics.RSSBytes, 7)
	f.board.Worker(1).Set(metrics.RSSBytes, 5)
	f.board.Worker(1).Add(metrics.ProcessorTime, 1500000)
	f.board.Worker(1).Set(metrics.Threads, 6)
	got := f.scrape()
	for name, want := range map[string]float64{"process_cpu_seconds_total": 1.5, "process_resident_memory_bytes": 12, "process_start_time_seconds": 1700000000, "go_threads": 6} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if open, most := got["process_open_fds"], got["process_max_fds"]; open < 3 || most < open {
		t.Errorf("%v of %v descriptors", open, most)
	}
	if got[`go_info{version="`+runtime.Version()+`"}`] != 1 {
		t.Error("go_info is missing")
	}
}

func TestMetricsOfASlotThatIsReplacedAreOneSample(t *testing.T) {
	f := serve(t)
	index, _ := f.board.Claim(0, 2)
	f.board.Worker(1).Set(metrics.RSSBytes, 100)
	f.board.Worker(index).Set(metrics.RSSBytes, 20)
	f.board.Worker(index).Set(metrics.AnonymousBytes, 5)
	got := f.scrape()
	if got[`studysharper_worker_resident_memory_bytes{slot="0"}`] != 120 || got[`studysharper_worker_anonymous_memory_bytes{slot="0"}`] != 5 {
		t.Errorf("got %v", got)
	}
}

func TestAScrapeAddsNoGoroutineAndTakesLittleMemory(t *testing.T) {
	f := serve(t)
	f.scrape()
	before := runtime.NumGoroutine()
	for range 50 {
		f.scrape()
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		runtime.Gosched() // the test's own connections end slightly later
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines became %d", before, after)
	}
	if size := len(f.ask("GET", "/metrics", "").body); size > 64<<10 {
		t.Errorf("a scrape is %d bytes", size)
	}
}

func TestMetricsFollowPrometheusConventions(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	f := serve(t)
	f.ask("POST", "/api/ai/process", chat)
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = bytes.NewReader(f.ask("GET", "/metrics", "").body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestLatencyOfTheLastMinuteIsInTheAdminMetrics(t *testing.T) {
	f := serve(t)
	var recent metrics.Recent
	recent.Update(f.board)
	for range 100 {
		f.board.Worker(1).Observe(metrics.Runs, 40*time.Millisecond)
	}
	recent.Update(f.board)
	got := f.ask("GET", "/api/admin/metrics", "", "X-Admin-Token", token).object(t)["latency"].(map[string]any)
	runs, requests := got["runs"].(map[string]any), got["requests"].(map[string]any)
	if got["window_seconds"] != 60.0 || runs["count"] != 100.0 || runs["p99_ms"].(float64) < 25 || runs["p99_ms"].(float64) > 50 {
		t.Errorf("got %v", got)
	}
	has(t, requests, "count", "p50_ms", "p95_ms", "p99_ms")
	has(t, got["upstream"].(map[string]any), "count", "p50_ms", "p95_ms", "p99_ms")
}

func TestALineOfTheLogSaysWhetherTheCacheHadTheAnswerWhereItIsAsked(t *testing.T) {
	f := serve(t)
	f.runs.do = func(q study.Request) (agent.Outcome, error) {
		o, err := answer(q)
		o.FromCache = !q.NoCache
		return o, err
	}
	for _, tt := range []struct {
		id, method, path string
		header           []string
		want             string
	}{
		{"had", "POST", "/api/ai/process", nil, " cache=HIT"},
		{"had-not", "POST", "/api/ai/process", []string{"Cache-Control", "no-cache"}, " cache=MISS"},
		{"not-asked", "GET", "/api/notes?user_id=canary", nil, ""},
	} {
		f.ask(tt.method, tt.path, chat, append(tt.header, "X-Request-ID", tt.id)...)
		var line string
		for l := range strings.Lines(f.log.String()) {
			if strings.Contains(l, " id="+tt.id+" ") {
				line += l
			}
		}
		if strings.Count(line, "\n") != 1 || !strings.Contains(line, tt.want) || strings.Contains(line, "cache=") != (tt.want != "") || !strings.Contains(line, " status=200 duration_us=") || strings.Contains(line, "canary") {
			t.Errorf("%s: %q", tt.id, line)
		}
	}
}

func BenchmarkScrape(b *testing.B) {
	board := metrics.NewBoard(shm.Local(metrics.BoardSize))
	for slot := range 2 {
		index, _ := board.Claim(slot, 1)
		board.Worker(index).Observe(metrics.Runs, time.Second)
	}
	s := &Server{o: Options{Board: board, Version: "test", Store: &sized{}}, lifetime: b.Context()}
	b.ReportAllocs()
	for b.Loop() {
		var e metrics.Exposition
		s.expose(&e)
	}
}
