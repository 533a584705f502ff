package integration

import (
	"time"

	"studysharper/loadtest/swarm"
)

const (
	latencySessions = 20
	latencyEvery    = 100 * time.Millisecond // for each session: 200 events a second in all
	latencyEvents   = 150
	latencyBound    = time.Millisecond // p50
)

// latency: from the moment before an event is appended on one worker to its arrival from the other's socket, paced.
func (b *bench) latency() {
	h := b.start(nil)
	publisher, readers := h.workers[0], h.workers[1]
	c := newCrowd(b.T, h, swarm.Options{})
	streams := c.openOn(b, h, readers, newSessions(latencySessions))
	ids := make([]string, len(streams))
	for i, st := range streams {
		ids[i] = st.Path()[len("/api/ai/stream/"):]
	}
	h.lines(b.T, 1)[publisher][0].publish(b.T, publication{Sessions: ids, Events: latencyEvents,
		EveryMS: int(latencyEvery.Milliseconds()), StartMS: 1000, Owner: "bench"})
	clock := h.cpu(b)
	c.await(b.T, endWithin, func(n swarm.Counts) bool { return n.Ended+n.Broken >= int64(len(streams)) })
	b.cores(h, clock, len(streams))
	times := c.delivered(every)
	b.took("append to the other worker's socket, p50", quantile(times, .5), latencyBound, len(times), spread(times))
	b.took("append to the other worker's socket, p99", quantile(times, .99), 0, len(times), "")
	c.whole(b, streams, latencyEvents)
	b.sameWorkers(h)
}

// openOn opens a stream of each session that a certain worker holds: those that the other one took are cut, and opened
// again.
func (c *crowd) openOn(b *bench, h *hosted, worker int, sessions []string) []*swarm.Stream {
	b.Helper()
	streams := c.add(sessions, swarm.StreamOptions{})
	missing := streams
	for range 100 {
		c.open(b, missing)
		held, err := holders(h.port, h.workers)
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
		// Cut all together, the next ones would be shared out the same way.
		missing = elsewhere[:(len(elsewhere)+1)/2]
		c.Cut(swarm.FIN, missing...)
	}
	b.Fatal("one of the workers takes no streams")
	return nil
}
