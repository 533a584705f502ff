package bench

import (
	"time"

	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	latencySessions = 20
	latencyEvery    = 100 * time.Millisecond // for each session: 200 events per second in total
	latencyEvents   = 150
	latencyBound    = time.Millisecond // p50
)

// latency measures the time from just before an event is appended on one worker until it arrives from the other
// worker's socket, at a fixed rate.
func (b *bench) latency() {
	h := b.start(nil)
	publisher, readers := h.Workers[0], h.Workers[1]
	c := harness.NewReaders(b.T, h, swarm.Options{})
	streams := openOn(c, b, h, readers, harness.NewSessions(latencySessions))
	ids := make([]string, len(streams))
	for i, st := range streams {
		ids[i] = st.Path()[len("/api/ai/stream/"):]
	}
	publishOn(h.ConnsPerWorker(b.T, 1)[publisher][0], b.T, publication{Sessions: ids, Events: latencyEvents,
		EveryMS: int(latencyEvery.Milliseconds()), StartMS: 1000, Owner: "bench"})
	clock := h.CPU(b)
	c.AwaitCounts(b.T, harness.EndWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken >= int64(len(streams)) })
	b.cores(h, clock, len(streams))
	times := c.Delivered(harness.EveryDelivery)
	b.took("append to the other worker's socket, p50", harness.Quantile(times, .5), latencyBound, len(times), harness.Spread(times))
	b.took("append to the other worker's socket, p99", harness.Quantile(times, .99), 0, len(times), "")
	whole(c, b, streams, latencyEvents)
	b.sameWorkers(h)
}

// openOn opens a stream of each session on a certain worker: streams that the other worker accepted are cut and opened
// again.
func openOn(c *harness.Readers, b *bench, h *harness.Instance, worker int, sessions []string) []*swarm.Stream {
	b.Helper()
	streams := c.Add(sessions, swarm.StreamOptions{})
	missing := streams
	for range 100 {
		open(c, b, missing)
		held, err := harness.ConnectionHolders(h.Port, h.Workers)
		if err != nil {
			b.Fatal(err)
		}
		var elsewhere []*swarm.Stream
		for _, st := range streams {
			if held[st.State().Port] != worker {
				elsewhere = append(elsewhere, st)
			}
		}
		if len(elsewhere) == 0 {
			return streams
		}
		// If all were cut at once, the next ones would be distributed the same way.
		missing = elsewhere[:(len(elsewhere)+1)/2]
		c.Cut(swarm.FIN, missing...)
	}
	b.Fatal("one of the workers takes no streams")
	return nil
}
