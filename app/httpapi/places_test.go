package httpapi

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"studysharper/app/limit"
	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
	"studysharper/app/study"
)

// serveHolding is serve with places for 2 runs and 2 streams per client, and 4 of each in total; another client uses a
// trusted proxy's header.
func serveHolding(t *testing.T, change ...func(*Options)) *face {
	t.Helper()
	bounds := limit.Bounds{Runs: 4, ClientRuns: 2, Streams: 4, ClientStreams: 2}
	h := limit.NewHoldings(shm.Local(bounds.Size()), bounds, 0)
	f, _ := serveLimited(t, append([]func(*Options){func(o *Options) {
		o.Admission.Limits, o.Admission.MaxStreams = nil, 100
		o.Admission.Runs, o.Admission.Streams = h.Runs, h.Streams
	}}, change...)...)
	return f
}

var another = []string{"X-Forwarded-For", "203.0.113.7"}

// wantBusy requires a 429 that states the client's limit.
func wantBusy(t *testing.T, r reply, name string) {
	t.Helper()
	retry, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if r.StatusCode != 429 || err != nil || retry < 1 || retry > 5 || r.object(t)["code"] != "rate_limited" {
		t.Errorf("got %d, Retry-After %q: %s", r.StatusCode, r.Header.Get("Retry-After"), r.body)
	}
	if got := r.Header.Get("RateLimit-Policy"); got != `"`+name+`";q=2;qu="concurrent-requests"` {
		t.Errorf("RateLimit-Policy: %s", got)
	}
	if got := r.Header.Get("RateLimit"); got != `"`+name+`";r=0` {
		t.Errorf("RateLimit: %s", got)
	}
}

func TestAClientsRunsAtOnceAreBoundedAndOthersHaveTheirOwn(t *testing.T) {
	f := serveHolding(t)
	entered, answerNow := make(chan struct{}, 9), make(chan struct{})
	f.runs.wait = func(context.Context) error { entered <- struct{}{}; <-answerNow; return nil }
	done := make(chan int, 9)
	for range 2 {
		go func() { done <- f.ask("POST", "/api/ai/process", chat).StatusCode }()
		<-entered
	}
	wantBusy(t, f.ask("POST", "/api/ai/process", chat), "concurrent-runs")
	wantBusy(t, f.ask("POST", "/api/ai/process-stream", chat), "concurrent-runs")
	go func() { done <- f.ask("POST", "/api/ai/process", chat, another...).StatusCode }()
	<-entered
	close(answerNow)
	for range 3 {
		if status := <-done; status != 200 {
			t.Errorf("a run within the bound: %d", status)
		}
	}
	if r := f.ask("POST", "/api/ai/process", chat); r.StatusCode != 200 {
		t.Errorf("after they have ended: %d", r.StatusCode)
	}
	if n := f.board.Snapshot().Total(metrics.Refused); n != 2 {
		t.Errorf("%d requests count as refused, want 2: they cost no work", n)
	}
}

func TestAStartedRunHoldsItsPlaceUntilItsEndAndARefusedOneNone(t *testing.T) {
	f := serveHolding(t)
	f.runs.start = func(study.Request) (string, error) { return "", study.Errorf(study.CodeOverloaded, "full") }
	for range 5 {
		if r := f.ask("POST", "/api/ai/process-stream", chat); r.StatusCode != 503 {
			t.Fatalf("got %d", r.StatusCode)
		}
		f.ask("POST", "/api/ai/process-stream", `{}`)
		f.ask("POST", "/api/ai/process", `{}`)
	}
	f.runs.ended, f.runs.start = nil, func(study.Request) (string, error) { return newID(), nil }
	for range 2 {
		if r := f.ask("POST", "/api/ai/process-stream", chat); r.StatusCode != 200 {
			t.Fatalf("got %d %s", r.StatusCode, r.body)
		}
	}
	wantBusy(t, f.ask("POST", "/api/ai/process-stream", chat), "concurrent-runs")
	f.runs.ended[0]()
	if r := f.ask("POST", "/api/ai/process-stream", chat); r.StatusCode != 200 {
		t.Errorf("after one has ended: %d", r.StatusCode)
	}
	wantBusy(t, f.ask("POST", "/api/ai/process-stream", chat), "concurrent-runs")
}

func TestARunRefusedForItsClientTellsOfAllLimits(t *testing.T) {
	f := serveHolding(t, func(o *Options) { o.Admission.Limits = []limit.Policy{{Name: "hour", Quota: 100, Window: 3600e9}} })
	for range 2 {
		f.ask("POST", "/api/ai/process-stream", chat)
	}
	r := f.ask("POST", "/api/ai/process-stream", chat)
	if got := r.Header.Get("RateLimit-Policy"); r.StatusCode != 429 || got != `"concurrent-runs";q=2;qu="concurrent-requests", "hour";q=100;w=3600` {
		t.Errorf("got %d, %s", r.StatusCode, got)
	}
	if got := r.Header.Get("RateLimit"); !strings.Contains(got, `"hour";r=97`) || !strings.Contains(got, `"concurrent-runs";r=0`) {
		t.Errorf("RateLimit: %s", got)
	}
}

// opened opens a stream on its own session.
func (f *face) opened(header ...string) net.Conn {
	f.t.Helper()
	conn, r := f.listen(newID(), header...)
	until(f.t, r, "retry:")
	return conn
}

// untilOpen waits until so many streams are open.
func (f *face) untilOpen(n int64) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d open streams", n), func() bool { return f.board.Sum(metrics.Streams) == n })
}

func TestAClientsStreamsAreBoundedAndOthersHaveTheirOwn(t *testing.T) {
	f := serveHolding(t)
	first := f.opened()
	f.opened()
	wantBusy(t, f.ask("GET", "/api/ai/stream/"+newID(), ""), "concurrent-streams")
	f.untilOpen(2)
	f.opened("X-Forwarded-For: 203.0.113.7")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	f.untilOpen(2)
	f.opened()
	wantBusy(t, f.ask("GET", "/api/ai/stream/"+newID(), ""), "concurrent-streams")
}

func TestStreamsGoOnCountingAtTheWorkerThatTakesThemOver(t *testing.T) {
	bounds := limit.Bounds{Runs: 1, ClientRuns: 1, Streams: 9, ClientStreams: 2}
	section := shm.Local(bounds.Size())
	all := limit.NewHoldings(section, bounds, 0)
	attached := func(owner int) func(*Options) {
		return func(o *Options) { o.Admission.Streams = limit.NewHoldings(section, bounds, owner).Streams }
	}
	old := serve(t, attached(1))
	p := pair{old: old, next: serve(t, attached(2), func(o *Options) { o.Journal = old.journal })}
	first := old.opened()
	old.opened()
	if err := p.leave(); err != nil {
		t.Fatal(err)
	}
	p.next.untilOpen(2)
	all.Forget(1) // as the supervisor does when the old worker has ended
	wantBusy(t, p.next.ask("GET", "/api/ai/stream/"+newID(), ""), "concurrent-streams")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	p.next.untilOpen(1)
	p.next.opened()
	wantBusy(t, p.next.ask("GET", "/api/ai/stream/"+newID(), ""), "concurrent-streams")
}

func TestAStreamThatComesToNothingHoldsNoPlace(t *testing.T) {
	f := serveHolding(t, func(o *Options) { o.Admission.MaxStreams = 0 })
	for range 6 {
		if r := f.ask("GET", "/api/ai/stream/"+newID(), ""); r.StatusCode != 503 {
			t.Fatalf("got %d %s", r.StatusCode, r.body)
		}
	}
}
