package bench

import (
	"fmt"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	tickEvents      = 20
	tickEvery       = time.Second
	tickStart       = 3 * time.Second
	tickBound       = 200 * time.Millisecond // p99, on two cores that the client shares
	tickMemoryBound = 64_000_000
	backBound       = 8_000_000 // of the 30 MB and more that the streams used
	backAfter       = 30 * time.Second
	// tickGather prevents the client from occupying the cores with each event separately.
	tickGather = 2 * time.Millisecond
)

// ticksFanOut sends an event per second to 50 sessions, each with 200 readers.
func (b *bench) ticksFanOut() { b.ticks(50, tickBound, tickMemoryBound, backBound) }

// ticksOwn sends an event per second to each stream's own session. Memory is reported but not judged, because most of
// it is not the streams': ten thousand concurrent runs, 156 times MAX_CONCURRENT_RUNS, and all of their stored events.
func (b *bench) ticksOwn() { b.ticks(streamsAtFull, 0, 0, 0) }

// ticks publishes all events of a second at once, which is the worst case.
func (b *bench) ticks(sessions int, late time.Duration, most, left int64) {
	h := b.start(nil)
	testkit.Pause(harness.SettleFor)
	before := h.Memory(b.T)
	c := harness.NewReaders(b.T, h, swarm.Options{Gather: tickGather})
	ids := harness.NewSessions(sessions)
	var streams []*swarm.Stream
	for range streamsAtFull / sessions {
		streams = append(streams, c.Add(ids, swarm.StreamOptions{})...)
	}
	watch := harness.Sample(b.T, h.Group)
	open(c, b, streams)
	publish(h, b, publication{Sessions: ids, Events: tickEvents, EveryMS: int(tickEvery.Milliseconds()),
		StartMS: int(tickStart.Milliseconds()), Burst: true})
	clock := h.CPU(b)
	c.AwaitCounts(b.T, harness.EndWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken >= int64(len(streams)) })
	b.cores(h, clock, len(streams))
	peak, _ := watch.End(b.T)
	times := c.Delivered(harness.EveryDelivery)
	whole(c, b, streams, tickEvents)
	b.took("delivery, p99", harness.Quantile(times, .99), late, len(times), harness.Spread(times))
	b.bytes("memory, peak", peak, most, len(streams), "")
	testkit.Pause(backAfter)
	after := h.Memory(b.T)
	b.bytes(fmt.Sprintf("memory not returned %s after they closed", backAfter), after.Kept()-before.Kept(), left, len(streams),
		fmt.Sprintf("before %s, after %s: %s", harness.Megabytes(before.Held), harness.Megabytes(after.Held), after.String()))
	b.bytes("of that, anonymous memory of the supervisor, which keeps the journals", after.Shares[0].Anon-before.Shares[0].Anon, 0, sessions, "")
	b.sameWorkers(h)
}
