package memory

import (
	"fmt"
	"net/http"
	"testing"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
	"studysharper/loadtest/swarm"
)

// seedStreams checks that event streams are cleaned up, and that their queues are limited.
func seedStreams(t *testing.T) {
	h := seedService(t, fakellm.EchoAnswer, nil)
	t.Run("connections clean up", func(t *testing.T) { seedCleanUp(t, h) })
	t.Run("queues hold at most 100 events", func(t *testing.T) { seedQueues(t, h) })
}

// seedCleanUp opens a thousand streams and closes them, twice: the first time allocates what is allocated once.
func seedCleanUp(t *testing.T, h *harness.Instance) {
	c := harness.NewReaders(t, h, swarm.Options{})
	comeAndGo(t, h, c)
	testkit.Pause(harness.SettleFor)
	settled := h.Memory(t).Kept()
	comeAndGo(t, h, c)
	left := h.AwaitKept(t, settled+leavingBound) - settled
	harness.Figure("seed: not given back of 1,000 streams that are gone", harness.Amount(left), "≤ "+harness.Amount(leavingBound))
	if left > leavingBound {
		t.Errorf("%d bytes are kept for streams that are gone, want at most %d", left, leavingBound)
	}
}

// comeAndGo opens streams, cuts them, and checks that the service notices both.
func comeAndGo(t *testing.T, h *harness.Instance, c *harness.Readers) {
	t.Helper()
	streams := c.Add(harness.NewSessions(someStreams), swarm.StreamOptions{})
	c.Open(streams...)
	open := func(n int64) func(harness.Metrics) bool {
		return func(m harness.Metrics) bool { return m.SSE.Active == n }
	}
	if m := h.AwaitMetrics(t, open(someStreams)); m.SSE.Active != someStreams {
		t.Errorf("%d streams are open, want %d: %s", m.SSE.Active, someStreams, c.FirstFailure())
	}
	c.Cut(swarm.FIN, streams...)
	if m := h.AwaitMetrics(t, open(0)); m.SSE.Active != 0 {
		t.Errorf("%d streams are open whose clients are gone", m.SSE.Active)
	}
}

func seedQueues(t *testing.T, h *harness.Instance) {
	const runs = 20 // one after another; each makes nine events or more
	session := harness.NewSessions(1)[0]
	for n := range runs {
		h.Call(t, http.MethodPost, "/api/ai/process-stream", map[string]any{"type": "chat", "user_id": harness.UserID, "session_id": session,
			"message": fmt.Sprintf("What is light, question %d?", n)}, http.StatusOK, nil)
		h.Follow(t, "/api/ai/stream/"+session) // to its end, because a session has one run at a time
	}
	over := func(m harness.Metrics) bool { return m.Runs.Active == 0 && m.Runs.Completed >= runs }
	m := h.AwaitMetrics(t, over)
	harness.Figure("seed: events kept of a session with 20 runs", fmt.Sprint(m.SSE.Queued), "≤ 100")
	if !over(m) || m.SSE.Queued > seedQueue || m.SSE.Queued < seedQueue/2 {
		t.Errorf("after %d runs in a session: %+v, %+v", runs, m.Runs, m.SSE)
	}
	events := h.Follow(t, "/api/ai/stream/"+session)
	first, last := events[0], events[len(events)-1]
	if first.Type != "start" || last.Type != "complete" || len(events) > seedQueue {
		t.Errorf("the newest run has %d events, from %q to %q", len(events), first.Type, last.Type)
	}
	if last.Seq <= seedQueue {
		t.Errorf("the session had %d events: too few to show that %d are kept at most", last.Seq, seedQueue)
	}
}

// seedStale checks that no connections remain after the stale time. Each stream watches a run that sends nothing.
func seedStale(t *testing.T) {
	const silent = 20
	release := make(chan struct{})
	defer close(release)
	h := seedService(t, func(fakellm.Request) string { <-release; return "" }, map[string]string{"SSE_STALE_AFTER": "3"})
	sessions := harness.NewSessions(silent)
	c := harness.NewReaders(t, h, swarm.Options{})
	streams := c.Add(sessions, swarm.StreamOptions{})
	c.Open(streams...)
	c.AwaitCounts(t, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == silent })
	for n, session := range sessions {
		h.Call(t, http.MethodPost, "/api/ai/process-stream", map[string]any{"type": "chat", "user_id": harness.UserID, "session_id": session,
			"message": fmt.Sprintf("What is light, question %d?", n)}, http.StatusOK, nil)
	}
	for _, st := range streams {
		if !harness.AwaitStream(st, func(s swarm.State) bool { return s.Terminal != "" }) || st.State().Terminal != "error" {
			t.Fatalf("a stream of a silent run is %+v", st.State())
		}
	}
	gone := func(m harness.Metrics) bool { return m.SSE.Active == 0 && m.SSE.Sessions == 0 && m.SSE.Queued == 0 }
	if m := h.AwaitMetrics(t, gone); !gone(m) {
		t.Errorf("after the stale time there are %+v", m.SSE)
	}
}
