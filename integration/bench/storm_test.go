package bench

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	stormStreams = 2000
	stormEvents  = 24
	stormEvery   = 500 * time.Millisecond
	stormAfter   = 4 * time.Second // from the publication's first event to the cut
	stormBound   = 3 * time.Second // from when a client may reconnect until it has its next event
)

// storm cuts all clients' connections at once; they reconnect after the time that the server set for each of them.
func (b *bench) storm() {
	h := b.start(nil)
	c := harness.NewReaders(b.T, h, swarm.Options{})
	ids := harness.NewSessions(stormStreams)
	streams := c.Add(ids, swarm.StreamOptions{})
	open(c, b, streams)
	publish(h, b, publication{Sessions: ids, Events: stormEvents, EveryMS: int(stormEvery.Milliseconds()), StartMS: 1000})
	c.AwaitCounts(b.T, harness.EndWithin, func(n swarm.Counts) bool { return n.Events >= stormStreams })
	testkit.Pause(stormAfter)

	clock := h.CPU(b)
	cut := time.Now()
	c.Cut(swarm.RST, streams[:stormStreams/2]...)
	c.Cut(swarm.FIN, streams[stormStreams/2:]...)
	retries := map[*swarm.Stream]time.Duration{}
	untold := 0
	for _, st := range streams {
		if retries[st] = st.State().Retry; retries[st] == 0 {
			untold++
		}
	}
	slices.SortFunc(streams, func(a, b *swarm.Stream) int { return int(retries[a] - retries[b]) })
	for _, st := range streams {
		testkit.Pause(time.Until(cut.Add(retries[st])))
		c.Open(st)
	}
	c.AwaitCounts(b.T, harness.EndWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken+n.Refused+n.Failed >= stormStreams })
	b.cores(h, clock, stormStreams)
	b.resumed(streams, cut, retries)
	b.zero("clients without a reconnection time", untold, stormStreams)
	whole(c, b, streams, stormEvents)
	b.sameWorkers(h)
}

// resumed checks how long the streams' first events took, excluding the wait that the server asked for.
func (b *bench) resumed(streams []*swarm.Stream, cut time.Time, retries map[*swarm.Stream]time.Duration) {
	var late, answered []time.Duration
	var last time.Duration
	for _, st := range streams {
		s := st.State()
		if s.First.IsZero() || s.Began.Before(cut) {
			continue
		}
		due := cut.Add(retries[st])
		late = append(late, s.First.Sub(due))
		answered = append(answered, s.Answered.Sub(due))
		last = max(last, s.First.Sub(cut))
	}
	slices.Sort(late)
	slices.Sort(answered)
	b.zero("streams not resumed", len(streams)-len(late), len(streams))
	b.took("reconnect allowed to next event, slowest", harness.Quantile(late, 1), stormBound, len(late), harness.Spread(late))
	b.took("reconnect allowed to answer, slowest", harness.Quantile(answered, 1), 0, len(answered), harness.Spread(answered))
	b.took("cut to next event, slowest", last, 0, len(late), fmt.Sprintf("of which up to %s as the server asked", harness.Short(slices.Max(slices.Collect(maps.Values(retries))))))
}
