package bench

import (
	"time"

	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

// open opens streams, waits until all are answered, and returns how long that took.
func open(c *harness.Readers, b *bench, streams []*swarm.Stream) time.Duration {
	b.Helper()
	before, began := c.Counts(), time.Now()
	c.Open(streams...)
	want := before.Opened + int64(len(streams))
	got := c.AwaitCounts(b.T, harness.OpenWithin, func(n swarm.Counts) bool {
		return n.Opened == want || n.Refused+n.Failed > before.Refused+before.Failed
	})
	if got.Opened != want {
		b.Fatalf("of %d streams some were not opened: %+v, the first: %v", len(streams), got, c.FirstFailure())
	}
	return time.Since(began)
}

// whole checks that streams received everything published for them: every token, and every event number exactly once,
// up to a complete event.
func whole(c *harness.Readers, b *bench, streams []*swarm.Stream, tokens int) {
	b.Helper()
	unended, lost, doubled, joined := 0, 0, 0, 0
	all := c.Tokens()
	for _, st := range streams {
		s, told := st.State(), all[st]
		lost += max(int(s.Lost), tokens-told)
		doubled += max(int(s.Doubled), told-tokens)
		joined += told + 1 - int(s.Events)
		if s.Terminal != "complete" || s.Err != nil {
			unended++
		}
	}
	b.zero("events lost", lost, len(streams)*tokens)
	b.zero("events doubled or out of order", doubled, len(streams)*tokens)
	b.zero("streams that did not end with their run", unended, len(streams))
	if joined > 0 {
		b.tell("tokens joined to another", joined, len(streams)*tokens, "")
	}
	if n := c.Counts(); n.Wrong+n.Gaps > 0 {
		b.Errorf("%d events of no known shape, %d gaps", n.Wrong, n.Gaps)
	}
}
