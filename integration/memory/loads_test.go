package memory

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/integration/harness"
	raw "studysharper/loadtest/client"
	"studysharper/loadtest/fakellm"
	sheets "studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
	"studysharper/loadtest/swarm"
)

const (
	idleFor = 20 * time.Second // the figure is defined for this time after the start

	seedRequests = 50

	searchedNotes    = 1000
	searchedStudents = 20

	watchedFor  = 5 * time.Second
	watchedRuns = someStreams / 5
	watchedRate = 20 // runs per second: fewer at once than MAX_CONCURRENT_RUNS

	mixedRequests  = 4000 // a worker is replaced after 100 to 110 of them, plus those it handles while its successor starts
	fewestRecycles = 10

	longAtOnce = 8
	longFor    = 15 * time.Second
	longBody   = 1 << 20 // MAX_BODY_KB

	mostCached   = 50 // CACHE_MAX_ITEMS
	cachedAnswer = 200_000
)

// busy is a load of 50 connections, each of which sends its next request as soon as it is answered.
func busy() pace.Plan { return pace.Plan{Workers: busyClients, Duration: busyFor} }

// idle makes no requests. At the end, the service is asked for its own figures.
func (r *scenarioRun) idle() {
	testkit.Pause(idleFor)
	outside, err := r.h.Group.Read()
	if err != nil {
		r.Fatal(err)
	}
	own := r.h.Metrics(r.T).Memory
	if difference := own.ContainerBytes - outside.Held(); difference < -4e6 || difference > 4e6 {
		r.Errorf("the service reports %d bytes, the host %d", own.ContainerBytes, outside.Held())
	}
	if own.LimitBytes != harness.MemoryLimit {
		r.Errorf("the service reports a limit of %d bytes, want %d", own.LimitBytes, harness.MemoryLimit)
	}
}

// seed runs the project's load tool with its defaults: 50 chat requests, 10 at once, as in the original load test.
func (r *scenarioRun) seed() {
	got := seedLoad(r.T, r.h.URL)
	r.row.Requests, r.row.Failed, r.row.Failures = got.OK+got.Failed, got.Failed, got.Failures
	r.row.Latency, r.row.Ladder = &got.Latency, got.Ladder
	if got.OK != seedRequests {
		r.Errorf("%d of %d requests were successful: %v", got.OK, seedRequests, got.Failures)
	}
}

func (r *scenarioRun) chat() { r.drive("chat", busy()) }

func (r *scenarioRun) flashcards() { r.drive("flashcards", busy()) }

func (r *scenarioRun) health() { r.drive("health", busy()) }

// search searches the students' notes, with a different word each time.
func (r *scenarioRun) search() {
	words := strings.Fields("chlorophyll light membrane carbon dioxide energy leaves water oxygen cells")
	r.ask(pace.Plan{Workers: 4, Requests: searchedNotes}, func(n int64) raw.Request {
		return r.post("/api/notes", map[string]any{"user_id": student(n), "title": fmt.Sprintf("Note %d", n),
			"content": fmt.Sprintf("Of %s and %s, number %d. %s", words[n%10], words[n/10%10], n, strings.Repeat("Leaves make sugar of water and air. ", 40))})
	})
	find := func(n int64) raw.Request {
		query := url.Values{"user_id": {student(n)}, "q": {words[n/searchedStudents%10]}, "limit": {"20"}}
		return r.target.Request(http.MethodGet, "/api/notes?"+query.Encode(), nil, raw.Options{})
	}
	var found struct{ Count int }
	r.h.Call(r.T, http.MethodGet, "/api/notes?user_id="+student(0)+"&q=leaves", nil, http.StatusOK, &found)
	if found.Count == 0 {
		r.Error("a search finds nothing")
	}
	r.ask(busy(), find)
}

func student(n int64) string { return fmt.Sprintf("student-%d", n%searchedStudents) }

// post returns a request with a JSON body.
func (r *scenarioRun) post(path string, in any) raw.Request {
	r.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		r.Error(err) // called on a client's goroutine
	}
	return r.target.Request(http.MethodPost, path, body, raw.Options{})
}

// streams opens many streams, holds them open, and starts runs in some, which end their streams.
func (r *scenarioRun) streams() {
	c := harness.NewReaders(r.T, r.h, swarm.Options{})
	sessions := harness.NewSessions(someStreams)
	streams := c.Add(sessions, swarm.StreamOptions{})
	c.Open(streams...)
	c.AwaitCounts(r.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == someStreams })
	testkit.Pause(watchedFor)
	if n := c.Counts(); n.Open != someStreams {
		r.Errorf("%d of %d streams are open: %+v, %s", n.Open, someStreams, n, c.FirstFailure())
	}
	r.ask(pace.Plan{Workers: watchedRuns, Requests: watchedRuns, Rate: watchedRate}, func(n int64) raw.Request {
		return r.post("/api/ai/process-stream", map[string]any{"type": "chat", "user_id": harness.UserID, "session_id": sessions[n-1],
			"message": fmt.Sprintf("What is chlorophyll, asked by reader %d?", n)})
	})
	for _, st := range streams[:watchedRuns] {
		if !harness.AwaitStream(st, func(s swarm.State) bool { return s.Terminal != "" }) || st.State().Terminal != "complete" {
			r.Errorf("a run was not watched to its end: %+v", st.State())
		}
	}
	if n := c.Counts(); n.Lost+n.Doubled+n.Wrong+n.Gaps+n.Broken != 0 {
		r.Errorf("%+v, %s", n, c.FirstFailure())
	}
}

// mixed is a load under which workers are replaced continuously.
func (r *scenarioRun) mixed() {
	r.drive("mixed", pace.Plan{Workers: busyClients, Requests: mixedRequests})
	if n := r.h.Metrics(r.T).Recycles["max_requests"]; n < fewestRecycles {
		r.Errorf("%d workers were recycled, want at least %d", n, fewestRecycles)
	}
}

// longFacts are facts from which aids can be made.
const longFacts = "A ribosome is a particle that builds proteins from amino acids. A mitochondrion is an organelle that makes ATP from sugar and oxygen. " +
	"Osmosis is the movement of water through a membrane that holds salts back. "

// long sends bodies of the maximum length.
func (r *scenarioRun) long() {
	kinds := []study.Type{study.Chat, study.Flashcards, study.Summary, study.Quiz}
	r.ask(pace.Plan{Workers: longAtOnce, Duration: longFor}, func(n int64) raw.Request {
		head := fmt.Sprintf(`{"type":%q,"user_id":%q,"message":"Of these notes, please, number %d","options":{"content":"`, kinds[n%4], student(n), n)
		var body strings.Builder
		body.WriteString(head)
		for i := 0; body.Len() < longBody-400; i++ {
			fmt.Fprintf(&body, "Chlorophyll number %d of leaf %d absorbs blue light and red light in the membrane. ", i, n)
			if i%100 == 0 {
				body.WriteString(longFacts)
			}
		}
		const tail = `"}}`
		body.WriteString(strings.Repeat("x", longBody-body.Len()-len(tail)) + tail)
		return r.target.Request(http.MethodPost, harness.ChatURL, []byte(body.String()), raw.Options{})
	})
}

// fill requests different long answers from each worker until its cache is full, and then as many again.
func (r *scenarioRun) fill() {
	lines := r.h.ConnsPerWorker(r.T, 1)
	for i := range 2 * mostCached {
		for _, worker := range r.h.Workers {
			r.row.Requests++
			sized(lines[worker][0], r.T, i, cachedAnswer)
		}
	}
	full := func(m harness.Metrics) bool {
		c := m.Cache
		return c.Evictions > 0 && float64(c.Items) >= 0.9*float64(c.MaxItems) && c.Megabytes >= 0.9*c.MaxMegabytes
	}
	if m := r.h.AwaitMetrics(r.T, full); !full(m) {
		r.Errorf("the caches are not full: %+v", m.Cache)
	} else {
		r.note("%d answers, %.1f of %.0f MiB in both caches", m.Cache.Items, m.Cache.Megabytes, m.Cache.MaxMegabytes)
	}
}

var exactBytes = regexp.MustCompile(`in exactly (\d+) bytes`)

// sizedAnswer returns a text of as many bytes as the question requests.
func sizedAnswer(q fakellm.Request) string {
	found := exactBytes.FindStringSubmatch(q.LastUser())
	if found == nil {
		return fakellm.EchoAnswer(q)
	}
	size, _ := strconv.Atoi(found[1])
	return strings.Repeat("Light is radiation that the eye can see. ", size/41+1)[:size]
}

// seedResult is the load tool's report with -json.
type seedResult struct {
	OK       int64            `json:"ok"`
	Failed   int64            `json:"failed"`
	Failures map[string]int64 `json:"failures"`
	Latency  sheets.Summary   `json:"latency"`
	Ladder   []sheets.Rung    `json:"percentiles"`
}

// seedLoad runs the tool.
func seedLoad(t *testing.T, url string) seedResult {
	t.Helper()
	arguments := []string{"run", "../../loadtest", "-json", "-"}
	if harness.Exists(harness.NotesFile) {
		arguments = append(arguments, "-content", harness.NotesFile)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(arguments, url)...)
	var progress strings.Builder
	cmd.Stderr = &progress
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("the load tool: %v\n%s", err, progress.String())
	}
	var result seedResult
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("the load tool's result: %v: %s\n%s", err, out, progress.String())
	}
	return result
}
