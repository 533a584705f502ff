package memory

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

// With a thousand streams, each also bears a larger share of the fixed costs, so the limit is higher than that for ten
// thousand (oneStreamBound), which make bench-streams checks. It is half of what two goroutines per stream cost.
const (
	someStreams       = 1000
	someStreamsBound  = 11_000
	ownSessionStreams = 20
)

func TestAThousandIdleStreamsStayWithinTheirBound(t *testing.T) {
	h := harness.StartInstance(t, harness.Image, map[string]string{"MAX_REQUESTS": "0", "LOG_LEVEL": "warn"})
	c := harness.NewReaders(t, h, swarm.Options{})
	streams := c.Add(harness.NewSessions(someStreams), swarm.StreamOptions{})
	testkit.Pause(harness.SettleFor) // memory used by starting is returned
	before := h.Memory(t)
	c.Open(streams...)
	c.AwaitCounts(t, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == someStreams })
	testkit.Pause(harness.SettleFor)
	after := h.Memory(t)
	each := (after.Held - before.Held) / someStreams
	harness.Figure(fmt.Sprintf("%d idle streams: open", someStreams), fmt.Sprint(c.Counts().Open), fmt.Sprint(someStreams))
	harness.Figure("idle streams: memory of each", harness.Amount(each), "≤ "+harness.Amount(someStreamsBound))
	if open := c.Counts().Open; open != someStreams {
		t.Errorf("%d of %d streams are open: %+v, %s", open, someStreams, c.Counts(), c.FirstFailure())
	}
	if each > someStreamsBound {
		t.Errorf("a stream takes %d bytes, want at most %d: before %s, after %s", each, someStreamsBound, before.String(), after.String())
	}
	held, err := harness.ConnectionHolders(h.Port, h.Workers)
	if err != nil {
		t.Fatal(err)
	}
	by := map[int]int{}
	for _, worker := range held {
		by[worker]++
	}
	for _, worker := range h.Workers {
		if by[worker] < someStreams/3 {
			t.Errorf("the workers hold %v connections, want about half of %d each", by, someStreams)
		}
	}
}

func TestEachOfManySessionsGetsTheWholeOfItsOwnRun(t *testing.T) {
	h := harness.StartInstance(t, harness.Image, map[string]string{"MAX_REQUESTS": "0", "RATE_LIMIT_PER_MINUTE": "0", "RATE_LIMIT_PER_HOUR": "0"})
	c := harness.NewReaders(t, h, swarm.Options{})
	ids := harness.NewSessions(ownSessionStreams)
	streams := c.Add(ids, swarm.StreamOptions{})
	c.Open(streams...)
	c.AwaitCounts(t, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == ownSessionStreams })
	for i, session := range ids {
		body, err := json.Marshal(map[string]any{"type": "chat", "user_id": harness.UserID, "session_id": session,
			"message": fmt.Sprintf("What is chlorophyll, asked by reader %d?", i)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Send(http.MethodPost, "/api/ai/process-stream", body); err != nil || got.Status != http.StatusOK {
			t.Fatalf("the run of session %d: status %d, %v: %s", i, got.Status, err, got.Body)
		}
	}
	got := c.AwaitCounts(t, harness.EndWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken == ownSessionStreams })
	harness.Figure(fmt.Sprintf("%d sessions: runs watched to their end", ownSessionStreams), fmt.Sprint(got.Ended), fmt.Sprint(ownSessionStreams))
	harness.Figure("sessions: events lost or doubled", fmt.Sprint(got.Lost+got.Doubled), "0")
	if got.Ended != ownSessionStreams || got.Lost+got.Doubled+got.Wrong+got.Gaps != 0 {
		t.Errorf("%+v, %s", got, c.FirstFailure())
	}
	for i, st := range streams {
		if s := st.State(); s.Terminal != "complete" {
			t.Errorf("the run of session %d ended with %q after %d events", i, s.Terminal, s.Events)
		}
	}
}
