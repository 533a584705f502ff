package faults

import (
	"net/http"
	"slices"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	cutStreams = 40
	cutWords   = 900 // takes about three seconds
	cutEvery   = 50 * time.Millisecond
)

// restart stops the container, kills it after grace (in seconds), and starts it again. It returns when the service is
// ready.
func restart(h *harness.Instance, i *incident, grace string) {
	i.Helper()
	harness.Docker(i.T, "restart", "--time", grace, h.GetContainerID())
	if err := harness.AwaitReady(h.URL, harness.ReadyWithin); err != nil {
		i.Fatal(err)
	}
	h.Group = harness.FindCgroup(i.T, h.GetContainerID())
	h.Workers = h.WorkersNow(i.T)
}

// stormAfterRestart checks that each client reconnects after the time that the server set for it.
func stormAfterRestart(i *incident) {
	h := harness.StartInstance(i.T, harness.Image, map[string]string{"MAX_REQUESTS": "0"})
	c := harness.NewReaders(i.T, h, swarm.Options{})
	streams := c.Add(harness.NewSessions(stormedBack), swarm.StreamOptions{})
	c.Open(streams...)
	c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == stormedBack })
	testkit.Eventually(i.T, "each has a reconnection time", func() bool {
		return !slices.ContainsFunc(streams, func(st *swarm.Stream) bool { return st.State().Retry == 0 })
	})
	restart(h, i, "0")
	ready := time.Now()
	slices.SortFunc(streams, func(a, b *swarm.Stream) int { return int(a.State().Retry - b.State().Retry) })
	for _, st := range streams {
		testkit.Pause(time.Until(ready.Add(st.State().Retry)))
		c.Open(st)
	}
	n := c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Open == stormedBack })
	i.recoveredAfter(time.Since(ready))
	i.note("%d streams, %d refused or not taken meanwhile", stormedBack, n.Refused+n.Failed)
	if n.Refused+n.Failed > 0 {
		i.Errorf("%+v, %s", n, c.FirstFailure())
	}
	wantWell(h, i)
}

// resumedWhilePublishing repeatedly cuts half of the streams, alternating between a reset and a clean close.
func resumedWhilePublishing(i *incident) {
	answer := words(cutWords)
	h := talking(i, answer, cutWords/3, map[string]string{"SSE_QUEUE_SIZE": "2000"})
	session := harness.NewSessions(1)
	c := harness.NewReaders(i.T, h, swarm.Options{})
	var streams []*swarm.Stream
	for range cutStreams {
		streams = append(streams, c.Add(session, swarm.StreamOptions{Keep: true})...)
	}
	c.Open(streams...)
	c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == cutStreams })
	chatIn(h, i, session[0])
	cuts := 0
	for began := time.Now(); time.Since(began) < harness.EndWithin; cuts++ {
		unended := slices.DeleteFunc(slices.Clone(streams), over)
		if len(unended) == 0 {
			break
		}
		half := unended[:(len(unended)+1)/2]
		if cuts%2 == 1 {
			half = unended[len(unended)/2:]
		}
		c.Cut(swarm.How(cuts%2), half...)
		c.Open(half...)
		testkit.Pause(cutEvery)
	}
	wantWhole(i, streams, answer)
	i.note("%d streams, opened %d times", cutStreams, c.Counts().Opened)
	if n := c.Counts(); n.Opened < 4*cutStreams {
		i.Errorf("%+v: too few were resumed to prove anything", n)
	}
	wantWell(h, i)
}

// over reports whether a stream need not be opened again. A stream that was cut just as it ended gets a 204.
func over(st *swarm.Stream) bool {
	s := st.State()
	return s.Terminal != "" || s.Status == http.StatusNoContent
}

// eventsInText checks that a model's text cannot break out of its event.
func eventsInText(i *incident) {
	answer := "one\r\n\r\ndata: {\"type\":\"complete\",\"seq\":99}\r\n\r\nid: 3.9\nevent: x\rretry: 1\n: comment\n\n\u2028\u2029</script> \\r \"end\"."
	h := talking(i, answer, 0, nil)
	session := harness.NewSessions(1)
	c := harness.NewReaders(i.T, h, swarm.Options{})
	streams := c.Add(session, swarm.StreamOptions{Keep: true})
	c.Open(streams...)
	chatIn(h, i, session[0])
	c.AwaitCounts(i.T, harness.EndWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken+n.Refused+n.Failed > 0 })
	wantWhole(i, streams, answer)
	wantWell(h, i)
}

// journalLost checks that a lost journal's streams are ended from the run's record: with a gap event and a retryable
// error, because the run died with the container. The next run is complete. The reader disconnects in the middle; a
// reader that has seen the end gets a 204, after a restart too.
func journalLost(i *incident) {
	answer := words(100)
	h := talking(i, answer, 50, nil)
	session := harness.NewSessions(1)
	c := harness.NewReaders(i.T, h, swarm.Options{})
	seen := c.Add(session, swarm.StreamOptions{Keep: true})
	c.Open(seen...)
	chatIn(h, i, session[0])
	testkit.Eventually(i.T, "the answer has begun", func() bool { return seen[0].Text() != "" })
	c.Cut(swarm.RST, seen...)
	if end := seen[0].State().Terminal; end != "" {
		i.Fatalf("the run has ended with %q before the restart", end)
	}
	restart(h, i, "0")
	ready := time.Now()
	back := c.Stream(seen[0].Path()+"?last_event_id="+seen[0].State().LastID, swarm.StreamOptions{Keep: true})
	c.Open(back)
	c.AwaitCounts(i.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == 2 })
	testkit.Eventually(i.T, "the stream has ended", func() bool { return back.State().Terminal != "" || back.State().Err != nil })
	i.recoveredAfter(time.Since(ready))
	if s := back.State(); s.Gaps != 1 || s.Terminal != "error" || s.Doubled+s.Wrong > 0 {
		i.Errorf("%+v, want a gap and an error", s)
	}
	next := c.Stream(seen[0].Path(), swarm.StreamOptions{Keep: true})
	chatIn(h, i, session[0])
	c.Open(next)
	testkit.Eventually(i.T, "the next run has ended", func() bool { return next.State().Terminal != "" || next.State().Err != nil })
	if s := next.State(); s.Terminal != "complete" || s.Doubled+s.Wrong > 0 || next.Text() != answer {
		i.Errorf("%+v, want the whole of the next run: %.80q", s, next.Text())
	}
	wantWell(h, i)
}
