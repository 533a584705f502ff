package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
	"studysharper/loadtest/swarm"
)

const (
	runsInAll       = 1000
	runsAtOnce      = 64
	runTokens       = 200
	tokensPerSecond = 100 // of one run
)

// runCount contains the totals of the runs.
type runCount struct {
	mu                                sync.Mutex
	runs, elsewhere, unwhole, crowded int
	events, lost, doubled             int
	faults                            []string
}

// runs measures real runs, with the agent and a model that streams, each watched from the other worker.
func (b *bench) runs() {
	upstream := httptest.NewServer(fakellm.New(fakellm.Options{Answer: numberedAnswer,
		Rules: []fakellm.Rule{{TokensPerSecond: tokensPerSecond}}}))
	b.Cleanup(upstream.Close)
	h := b.start(map[string]string{
		"LLM_PROVIDER": "openai", "LLM_API_KEY": "bench", "LLM_BASE_URL": upstream.URL + "/v1",
		"MAX_CONCURRENT_RUNS": fmt.Sprint(runsAtOnce),
	})
	r := &runners{bench: b, hosted: h, crowd: harness.NewReaders(b.T, h, swarm.Options{}), lines: h.ConnsPerWorker(b.T, 8)}
	clock := h.CPU(b)
	began := time.Now()
	var all sync.WaitGroup
	for range runsAtOnce {
		all.Go(func() {
			for n := r.next.Add(1); n <= runsInAll; n = r.next.Add(1) {
				r.once(int(n))
			}
		})
	}
	all.Wait()
	b.cores(h, clock, runsInAll)
	n := &r.count
	note := ""
	if len(n.faults) > 0 {
		note = "the first: " + n.faults[0]
	}
	b.zero("events lost", n.lost, n.events)
	b.zero("events doubled or out of order", n.doubled, n.events)
	b.add(benchRow{Name: "runs not received completely, to the last letter", N: n.runs, Measured: fmt.Sprint(n.unwhole), Goal: "0",
		Value: float64(n.unwhole), Pass: n.unwhole == 0 && n.runs == runsInAll, Note: note})
	b.tell("runs watched from the other worker", n.elsewhere, n.runs, fmt.Sprintf("%.0f runs a second, %d at once; %d times a 503 was retried",
		float64(n.runs)/time.Since(began).Seconds(), runsAtOnce, n.crowded))
	b.sameWorkers(h)
}

var runNumber = regexp.MustCompile(`run (\d+)`)

// numberedAnswer returns a text specific to the run, so that one run's words in another's stream are detected.
func numberedAnswer(r fakellm.Request) string {
	found := runNumber.FindStringSubmatch(r.LastUser())
	if found == nil {
		return "No run was named."
	}
	words := make([]string, runTokens)
	for i := range words {
		words[i] = fmt.Sprintf("word%s-%d", found[1], i+1)
	}
	return strings.Join(words, " ") + "."
}

// runners start runs and watch them.
type runners struct {
	bench  *bench
	hosted *harness.Instance
	crowd  *harness.Readers
	lines  map[int][]*harness.Conn
	next   atomic.Int64
	look   sync.Mutex // one at a time, because finding a connection's worker takes a while
	mu     sync.Mutex
	count  runCount
}

// once starts one run and watches it to its end.
func (r *runners) once(n int) {
	session := harness.NewSessions(1)[0]
	r.mu.Lock()
	st := r.crowd.Add([]string{session}, swarm.StreamOptions{Keep: true})[0]
	r.mu.Unlock()
	r.crowd.Open(st)
	if !harness.AwaitStream(st, func(s swarm.State) bool { return s.Status != 0 }) {
		r.settle(st, n, "the stream was not opened", false)
		return
	}
	held := r.holder(st.State().Port)
	makes := r.hosted.Workers[0]
	if held == makes {
		makes = r.hosted.Workers[1]
	}
	line := r.lines[makes][n%len(r.lines[makes])]
	if fault := r.begin(line, session, n); fault != "" {
		r.settle(st, n, fault, false)
		return
	}
	fault := ""
	if !harness.AwaitStream(st, func(s swarm.State) bool { return s.Terminal != "" }) {
		fault = "the run did not end"
	}
	r.settle(st, n, fault, held != 0 && held != line.Worker)
}

// begin posts the run. A run that has ended keeps its slot for a moment longer than its stream, so a 503 is retried.
func (r *runners) begin(l *harness.Conn, session string, n int) (fault string) {
	request := map[string]any{"type": "chat", "user_id": harness.UserID, "session_id": session, "message": fmt.Sprintf("Tell me about run %d", n)}
	var status int
	var text []byte
	var err error
	testkit.PollFor(harness.RunWithin, 4*harness.RunLook, func() bool {
		status, text, err = l.Do(http.MethodPost, "/api/ai/process-stream", request)
		if err != nil || status != http.StatusServiceUnavailable {
			return true
		}
		r.count.mu.Lock()
		defer r.count.mu.Unlock()
		r.count.crowded++
		return false
	})
	if err != nil || status != http.StatusOK {
		return fmt.Sprintf("the run was not begun: status %d, %v: %s", status, err, text)
	}
	return ""
}

// holder returns the worker that has the connection from a port; 0 = unknown.
func (r *runners) holder(port int) int {
	r.look.Lock()
	defer r.look.Unlock()
	held, err := harness.ConnectionHolders(r.hosted.Port, r.hosted.Workers)
	if err != nil {
		r.bench.Error(err)
	}
	return held[port]
}

func (r *runners) settle(st *swarm.Stream, n int, fault string, elsewhere bool) {
	s, want := st.State(), numberedAnswer(fakellm.Request{Messages: []fakellm.Message{{Role: "user", Content: fmt.Sprintf("run %d", n)}}})
	switch {
	case fault != "":
	case s.Terminal != "complete":
		fault = "it ended with an event of type " + s.Terminal
	case st.Text() != want:
		fault = fmt.Sprintf("%d bytes of text, want %d: %.80q", len(st.Text()), len(want), st.Text())
	}
	c := &r.count
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs++
	c.events += int(s.Events)
	c.lost += int(s.Lost)
	c.doubled += int(s.Doubled)
	if elsewhere {
		c.elsewhere++
	}
	if fault != "" {
		c.unwhole++
		c.faults = append(c.faults, fmt.Sprintf("run %d: %s", n, fault))
	}
}

func TestARunsAnswerIsItsOwn(t *testing.T) {
	answer := func(n string) string {
		return numberedAnswer(fakellm.Request{Messages: []fakellm.Message{{Role: "user", Content: "Tell me about run " + n}}})
	}
	if len(fakellm.Tokens(answer("7"))) != runTokens || answer("7") == answer("8") {
		t.Errorf("%.60q and %.60q", answer("7"), answer("8"))
	}
}
