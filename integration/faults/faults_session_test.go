package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

const (
	contested     = 10 // sessions in which two runs are started concurrently
	waitingRuns   = 10 // streams that wait for a run
	pendingFor    = time.Minute
	pendingWithin = 90 * time.Second
	toldWithin    = 10 * time.Second // after a restarted service is ready
	chatsMidway   = 20
	reloadEvery   = 5 * time.Second
	slowWords     = 2000 // at slowRate, this takes longer than any of these tests
	slowRate      = 20
	noRun         = "00000000-0000-0000-0000-000000000000" // run_id of an error without a run
)

// sessionFaults are what clients may do to a session, and what may happen to it while its stream is read.
var sessionFaults = []fault{
	{
		id: "S18", what: "two runs are started at once in one session", sees: "409 `conflict` with the `run_id` of the active run for the second; the first stream has its own text only",
		lost: "nothing", test: twoRunsAtOnce,
	},
	{
		id: "S19", what: "a session is deleted while its streams are read", sees: "an `error` with an `id:`; a browser that reconnects gets 204 and stops",
		lost: "the session, as requested", test: deletedWhileRead,
	},
	{
		id: "S20", what: "a stream is opened and no run is started in its session", sees: "after 60 s an `error` with an `id:`; a browser that reconnects gets 204 and stops",
		lost: "nothing", long: true, test: func(i *incident) { noRunBegun(i, false) },
	},
	{
		id: "S21", what: "HUP every few seconds while a stream waits for a run", sees: "an `error` with an `id:` after 60 s, as without HUP; a browser that reconnects gets 204 and stops", lost: "nothing",
		test: func(i *incident) { noRunBegun(i, true) },
	},
	{
		id: "S22", what: "`docker restart` in the middle of 20 chats", sees: "a retryable `error` with an `id:` before the service stops; a browser that reconnects gets 204 and stops",
		lost: "the rest of the answers, but no question", well: toldWithin, test: func(i *incident) { restartedMidway(i, "10", 1) },
	},
	{
		id: "S23", what: "the container is killed in the middle of 20 chats, and started again", sees: "one reconnect, and within 10 s a `gap` and a retryable `error` with an `id:`; a browser that reconnects gets 204 and stops",
		lost: "the rest of the answers, but no question", well: toldWithin, test: func(i *incident) { restartedMidway(i, "0", 2) },
	},
}

// twoRunsAtOnce starts two runs of a session concurrently. The model's answers name the question, and wait until both
// requests of each session have been answered.
func twoRunsAtOnce(i *incident) {
	held := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(held) })
	h := startWithUpstream(i.T, harness.Image, fakellm.New(fakellm.Options{Answer: func(r fakellm.Request) string {
		<-held
		for _, name := range []string{"first", "second", "third"} {
			if strings.Contains(r.LastUser(), name) {
				return strings.Repeat(name+" ", 50)
			}
		}
		return fakellm.EchoAnswer(r)
	}, Rules: []fakellm.Rule{{TokensPerSecond: 200}}}), letGo, nil)
	type active struct{ session, run, question string }
	var winners []active
	for _, session := range harness.NewSessions(contested) {
		run, question := i.wantOneRun(h, session)
		winners = append(winners, active{session, run, question})
		got, err := askOnce(h.Service, http.MethodPost, harness.ChatURL, inSession(session, "third"))
		i.wantConflict(got, err, run)
	}
	letGo()
	for _, w := range winners {
		i.wantOnly(h, w.session, w.run, w.question)
		next := i.beginIn(h, w.session, "third")
		i.wantOnly(h, w.session, next, "third")
	}
	i.note("%d sessions", contested)
	wantWell(h, i)
}

func inSession(session, question string) map[string]any {
	return map[string]any{"type": "chat", "user_id": harness.UserID, "session_id": session, "message": "Tell me the " + question + " thing."}
}

// wantOneRun starts two runs of a session concurrently, checks that one of them is refused, and returns the other.
func (i *incident) wantOneRun(h *harness.Instance, session string) (run, question string) {
	i.Helper()
	questions := [2]string{"first", "second"}
	var got [2]harness.Answer
	var errs [2]error
	var both sync.WaitGroup
	for n := range got {
		both.Go(func() {
			got[n], errs[n] = askOnce(h.Service, http.MethodPost, "/api/ai/process-stream", inSession(session, questions[n]))
		})
	}
	both.Wait()
	won := 0
	if got[1].Status == http.StatusOK {
		won = 1
	}
	if errs[won] != nil || got[won].Status != http.StatusOK {
		i.Fatalf("no run was begun: %v, status %d: %s", errs[won], got[won].Status, got[won].Body)
	}
	run = runOf(got[won])
	i.wantConflict(got[1-won], errs[1-won], run)
	return run, questions[won]
}

// runOf returns the run_id of an answer.
func runOf(a harness.Answer) string {
	var named struct {
		Run string `json:"run_id"`
	}
	_ = json.Unmarshal(a.Body, &named)
	return named.Run
}

// wantConflict checks for a 409 that names the session's active run.
func (i *incident) wantConflict(got harness.Answer, err error, run string) {
	i.Helper()
	if err != nil || got.Status != http.StatusConflict || problemCode(got) != "conflict" || run == "" || runOf(got) != run {
		i.Errorf("a second run: %v, status %d: %s; want 409 that names run %q", err, got.Status, got.Body, run)
	}
}

// beginIn starts a run in a session.
func (i *incident) beginIn(h *harness.Instance, session, question string) (run string) {
	i.Helper()
	var begun struct {
		Run string `json:"run_id"`
	}
	h.Call(i.T, http.MethodPost, "/api/ai/process-stream", inSession(session, question), http.StatusOK, &begun)
	return begun.Run
}

// wantOnly checks that a session's stream has only one run, with the answer to its question.
func (i *incident) wantOnly(h *harness.Instance, session, run, question string) {
	i.Helper()
	source := newEventSource(h.Service, "/api/ai/stream/"+session)
	source.read(i, pendingWithin)
	text := ""
	for _, e := range source.seen() {
		if text += e.Text; e.RunID != run {
			i.Errorf("an event of run %q in the stream of %q: %+v", e.RunID, run, e)
		}
	}
	if words := strings.Fields(text); len(words) != 50 || strings.Count(text, question) != 50 {
		i.Errorf("the answer to the %s question is %.200q", question, text)
	}
	source.wantEnd(i, "complete", 1)
}

// deletedWhileRead deletes sessions while they are read. Each is read without naming a run, as curl does, and with a
// run, as docs/front-end.md does.
func deletedWhileRead(i *incident) {
	h := talking(i, words(slowWords), slowRate, nil)
	session := harness.NewSessions(1)[0]
	run := i.beginIn(h, session, "only")
	sources := readAll(i, h, "/api/ai/stream/"+session, "/api/ai/stream/"+session+"?run_id="+run)
	h.Call(i.T, http.MethodDelete, "/api/ai/sessions/"+session+"?user_id="+harness.UserID, nil, http.StatusNoContent, nil)
	for _, source := range sources {
		<-source.stopped
		source.wantEnd(i, "error", 1)
		source.wantRun(i, run)
	}
	wantWell(h, i)
}

// readAll makes browsers read streams, and returns when each has received some of the answer.
func readAll(i *incident, h *harness.Instance, paths ...string) (sources []*eventSource) {
	i.Helper()
	for _, path := range paths {
		source := newEventSource(h.Service, path)
		sources = append(sources, source)
		go source.read(i, 2*pendingWithin) // a restart, and the wait for a run after it
	}
	testkit.Eventually(i.T, "the answer has begun in each stream", func() bool {
		for _, source := range sources {
			if all := source.seen(); len(all) == 0 || all[len(all)-1].Type != "token" {
				return false
			}
		}
		return true
	})
	return sources
}

// noRunBegun opens streams without a run. The 60 s count from when a stream was first opened, whichever worker has it
// later.
func noRunBegun(i *incident, reloads bool) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"MAX_REQUESTS": "0"})
	opened := time.Now()
	ended := make(chan struct{})
	var all sync.WaitGroup
	var sources []*eventSource
	for _, session := range harness.NewSessions(waitingRuns) {
		source := newEventSource(h.Service, "/api/ai/stream/"+session)
		sources = append(sources, source)
		all.Go(func() { source.read(i, pendingWithin) })
	}
	go func() { all.Wait(); close(ended) }()
	var tick <-chan time.Time
	if reloads {
		ticker := time.NewTicker(reloadEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	for waiting := true; waiting; {
		select {
		case <-ended:
			waiting = false
		case <-tick:
			i.signal(supervisorPID(h, i), syscall.SIGHUP)
		}
	}
	took := time.Since(opened)
	i.note("ended after %s", harness.Short(took))
	if took < pendingFor-time.Second {
		i.Errorf("the streams ended after %v, want them held for %v", took, pendingFor)
	}
	for _, source := range sources {
		source.wantEnd(i, "error", 1)
		source.wantRun(i, noRun)
	}
	wantServed(h, i)
	if !reloads {
		return
	}
	n := h.Metrics(i.T).Recycles["reload"]
	i.note("%d workers replaced meanwhile", n)
	if n < 2*2 {
		i.Errorf("%d workers were replaced: too few to prove anything", n)
	}
}

// restartedMidway restarts the service during chats. The documented client and a plain client of each chat reconnect to
// a service that has lost its journals, but no question.
func restartedMidway(i *incident, grace string, mostOpened int) {
	h := talking(i, words(slowWords), slowRate, nil)
	sessions := harness.NewSessions(chatsMidway)
	var paths []string
	for n, session := range sessions {
		run := i.beginIn(h, session, fmt.Sprint("only ", n))
		paths = append(paths, "/api/ai/stream/"+session, "/api/ai/stream/"+session+"?run_id="+run)
	}
	sources := readAll(i, h, paths...)
	restart(h, i, grace)
	ready := time.Now()
	for _, source := range sources {
		<-source.stopped
		source.wantEnd(i, "error", mostOpened)
	}
	i.recoveredAfter(time.Since(ready))
	for n, session := range sessions {
		var kept struct {
			Messages []struct{ Role, Content string }
		}
		h.Call(i.T, http.MethodGet, "/api/ai/sessions/"+session+"/messages?user_id="+harness.UserID, nil, http.StatusOK, &kept)
		if len(kept.Messages) == 0 || kept.Messages[0].Content != fmt.Sprintf("Tell me the only %d thing.", n) {
			i.Errorf("chat %d: the messages are %+v", n, kept.Messages)
		}
	}
	wantWell(h, i)
}
