package memory

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// The most memory that the container may use, in bytes, at any time since its start.
const (
	idleBound    = 24_000_000
	seedBound    = 48_000_000
	busyBound    = 64_000_000
	streamsBound = 42_000_000 // 38.2 to 39.8 MB are observed
	cachesBound  = 80_000_000
	// recycleBound allows for two workers and a successor of each, each with as much as one of two busy workers.
	recycleBound = 96_000_000
	// longBound: each of longAtOnce requests has its body, its content, the words to search for and garbage that has
	// not been collected yet: some 6 MiB each on top of a warm container.
	longBound = 96_000_000
)

// busyFor is how long the busy loads last.
var busyFor = time.Duration(testkit.Size(10, 30)) * time.Second

const (
	busyClients = 50
	afterwards  = time.Second // the curve continues for this long, to show what is returned
)

// memoryScenario is a load and the memory that the container may use under it. It is a test, a chart and a row of the
// report.
type memoryScenario struct {
	name     string
	about    string                       // description for readers of the report
	settings map[string]string            // other than the defaults
	answer   func(fakellm.Request) string // answer of the language model; nil = the offline engine
	load     func(*scenarioRun)
	bound    int64 // of the memory, in bytes
	recycles bool  // workers are replaced for their requests; otherwise the same two must remain
}

var memoryScenarios = []memoryScenario{
	{name: "idle", about: "20 s after the start, without requests", load: (*scenarioRun).idle, bound: idleBound},
	{name: "seed load", about: "50 chat requests, 10 at once, by the load tool with its defaults", load: (*scenarioRun).seed, bound: seedBound},
	{name: "chat", about: fmt.Sprintf("50 connections for %v; a model answers at once; workers are recycled as by default", busyFor),
		answer: fakellm.EchoAnswer, load: (*scenarioRun).chat, bound: busyBound, recycles: true},
	{name: "flashcards", about: fmt.Sprintf("50 connections for %v; the offline engine; workers are recycled as by default", busyFor),
		load: (*scenarioRun).flashcards, bound: busyBound, recycles: true},
	{name: "notes search", about: fmt.Sprintf("50 connections for %v over 1,000 notes of 20 students; workers are recycled as by default", busyFor),
		load: (*scenarioRun).search, bound: busyBound, recycles: true},
	{name: "health", about: fmt.Sprintf("50 connections for %v; probes count for no recycle", busyFor), load: (*scenarioRun).health, bound: busyBound},
	{name: "1,000 streams", about: "1,000 sessions watched; after 5 s a run in every fifth, 20 per second",
		settings: map[string]string{"MAX_REQUESTS": "0", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"},
		load:     (*scenarioRun).streams, bound: streamsBound},
	{name: "mixed with recycling", about: "50 connections, 4,000 requests: chats, aids and health checks; each worker is replaced after 100",
		settings: map[string]string{"MAX_REQUESTS": "100", "MAX_REQUESTS_JITTER": "10", "MIN_WORKER_AGE": "0"},
		load:     (*scenarioRun).mixed, bound: recycleBound, recycles: true},
	{name: "long messages", about: "bodies of exactly 1 MiB, 8 at once for 15 s: chats and aids",
		settings: map[string]string{"MAX_REQUESTS": "0"}, load: (*scenarioRun).long, bound: longBound},
	{name: "full caches", about: "answers of 200 kB until each worker's cache is full, and as many again",
		settings: map[string]string{"MAX_REQUESTS": "0"}, answer: sizedAnswer, load: (*scenarioRun).fill, bound: cachesBound},
	{name: "imports", about: fmt.Sprintf("%d PDF files of 10 MiB and %d pages uploaded at once", importsAtOnce, importedPages),
		settings: map[string]string{"MAX_REQUESTS": "0"}, load: (*scenarioRun).imports, bound: importBound},
	{name: "soak", about: "10 clients that each send five mixed requests per second, after sending as many as they can",
		settings: map[string]string{"MAX_REQUESTS": "0"}, load: (*scenarioRun).soak, bound: busyBound},
}

// TestMemory is the memory suite: each scenario in its own container, under 512 MB, with its control group read every
// 100 ms.
func TestMemory(t *testing.T) {
	for _, s := range memoryScenarios {
		t.Run(s.name, func(t *testing.T) { startTrial(t, s).run() })
	}
}

// startTrial starts the container, and the model that the scenario needs.
func startTrial(t *testing.T, s memoryScenario) *scenarioRun {
	t.Helper()
	settings := maps.Clone(s.settings)
	if settings == nil {
		settings = map[string]string{}
	}
	if s.answer != nil {
		maps.Copy(settings, harness.ModelSettings(harness.StartModel(t, s.answer)))
	}
	return newTrial(t, s, harness.StartInstance(t, harness.Image, settings))
}

// run puts the container under the load and judges its memory.
func (r *scenarioRun) run() {
	r.row = harness.ScenarioRow{Name: r.scenario.name, About: r.scenario.about, Bound: r.scenario.bound}
	defer r.record()
	before := r.h.AwaitMetrics(r.T, harness.Metrics.Settled).PIDs()
	watch := r.h.Sample()
	r.began = watch.Began
	r.scenario.load(r)
	testkit.Pause(afterwards)
	r.row.Peak, r.last = watch.End(r.T)
	r.row.Take(watch)
	r.judge(before)
}

// judge compares the container with the scenario's promises.
func (r *scenarioRun) judge(before []int) {
	if r.row.Peak > r.scenario.bound {
		r.Errorf("the container held %d bytes, want at most %d", r.row.Peak, r.scenario.bound)
	}
	if r.last.OomKills != 0 {
		r.Errorf("%d OOM kills", r.last.OomKills)
	}
	if r.row.Failed != 0 {
		r.Errorf("%d of %d requests failed: %v", r.row.Failed, r.row.Requests, r.row.Failures)
	}
	if !r.scenario.recycles {
		r.h.WantSameWorkers(r.T, before)
		return
	}
	r.h.WantNoRestart(r.T)
	r.row.Recycles = r.h.Metrics(r.T).Recycles
	for reason, n := range r.row.Recycles {
		if n != 0 && reason != "max_requests" {
			r.Errorf("%d workers were replaced for %s", n, reason)
		}
	}
	r.row.Marks = r.recycled()
}

// record adds the outcome of the scenario to the report, and prints it.
func (r *scenarioRun) record() {
	r.row.Pass = !r.Failed()
	harness.AddScenario(r.row)
	harness.Figure("memory, "+r.row.Name+": peak", harness.Megabytes(r.row.Peak), "≤ "+harness.Megabytes(r.row.Bound))
	harness.Figure("memory, "+r.row.Name+": afterwards", harness.Megabytes(r.row.After), "")
	if r.row.Requests > 0 {
		harness.Figure(fmt.Sprintf("memory, %s: failed of %d requests", r.row.Name, r.row.Requests), fmt.Sprint(r.row.Failed), "0")
	}
}
