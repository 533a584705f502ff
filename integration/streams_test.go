package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"studysharper/loadtest/swarm"
)

// Of a thousand streams each also bears a share of what any number of them costs, so the bound is wider than that of
// ten thousand (oneStreamBound), which make bench-streams holds. It is half of what two goroutines a stream took.
const (
	someStreams       = 1000
	someStreamsBound  = 11_000
	ownSessionStreams = 20
)

func TestAThousandIdleStreamsStayWithinTheirBound(t *testing.T) {
	h := startOnHost(t, image, map[string]string{"MAX_REQUESTS": "0", "LOG_LEVEL": "warn"})
	c := newCrowd(t, h, swarm.Options{})
	streams := c.add(newSessions(someStreams), swarm.StreamOptions{})
	time.Sleep(settleFor) // what starting took is given back
	before := h.memory(t)
	c.Open(streams...)
	c.await(t, openWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == someStreams })
	time.Sleep(settleFor)
	after := h.memory(t)
	each := (after.held - before.held) / someStreams
	figure(fmt.Sprintf("%d idle streams: open", someStreams), fmt.Sprint(c.Counts().Open), fmt.Sprint(someStreams))
	figure("idle streams: memory of each", amount(each), "≤ "+amount(someStreamsBound))
	if open := c.Counts().Open; open != someStreams {
		t.Errorf("%d of %d streams are open: %+v, %s", open, someStreams, c.Counts(), c.firstFault())
	}
	if each > someStreamsBound {
		t.Errorf("a stream takes %d bytes, want at most %d: before %s, after %s", each, someStreamsBound, before.words(), after.words())
	}
	held, err := holders(h.port, h.workers)
	if err != nil {
		t.Fatal(err)
	}
	by := map[int]int{}
	for _, worker := range held {
		by[worker]++
	}
	for _, worker := range h.workers {
		if by[worker] < someStreams/3 {
			t.Errorf("the workers hold %v connections, want about half of %d each", by, someStreams)
		}
	}
}

func TestEachOfManySessionsGetsTheWholeOfItsOwnRun(t *testing.T) {
	h := startOnHost(t, image, map[string]string{"MAX_REQUESTS": "0", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"})
	c := newCrowd(t, h, swarm.Options{})
	ids := newSessions(ownSessionStreams)
	streams := c.add(ids, swarm.StreamOptions{})
	c.Open(streams...)
	c.await(t, openWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == ownSessionStreams })
	for i, session := range ids {
		body, err := json.Marshal(map[string]any{"type": "chat", "user_id": userID, "session_id": session,
			"message": fmt.Sprintf("What is chlorophyll, asked by reader %d?", i)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.send(http.MethodPost, "/api/ai/process-stream", body); err != nil || got.status != http.StatusOK {
			t.Fatalf("the run of session %d: status %d, %v: %s", i, got.status, err, got.body)
		}
	}
	got := c.await(t, endWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken == ownSessionStreams })
	figure(fmt.Sprintf("%d sessions: runs watched to their end", ownSessionStreams), fmt.Sprint(got.Ended), fmt.Sprint(ownSessionStreams))
	figure("sessions: events lost or doubled", fmt.Sprint(got.Lost+got.Doubled), "0")
	if got.Ended != ownSessionStreams || got.Lost+got.Doubled+got.Wrong+got.Gaps != 0 {
		t.Errorf("%+v, %s", got, c.firstFault())
	}
	for i, st := range streams {
		if s := st.State(); s.Terminal != "complete" {
			t.Errorf("the run of session %d ended with %q after %d events", i, s.Terminal, s.Events)
		}
	}
}
