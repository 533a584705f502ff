package integration

import (
	"time"

	"studysharper/loadtest/swarm"
)

const (
	idleStreamsBound = 48_000_000 // the whole container, with all streams open
	oneStreamBound   = 3_500
	settleFor        = 5 * time.Second
)

// idleUnposted: streams of sessions that nobody has posted to.
func (b *bench) idleUnposted() { b.idle(false, idleStreamsBound) }

// idleSilent: streams of sessions with a run that says nothing. The runs are begun before the streams are counted, and
// the whole is told and not judged: ten thousand open runs are in it.
func (b *bench) idleSilent() { b.idle(true, 0) }

func (b *bench) idle(posted bool, most int64) {
	const n = streamsAtFull
	h := b.start(nil)
	c := newCrowd(b.T, h, swarm.Options{})
	streams := c.add(newSessions(n), swarm.StreamOptions{})
	time.Sleep(settleFor) // what starting took is given back
	before := h.memory(b.T)
	b.bytes("memory before", before.held, 0, 1, before.words())
	if posted {
		sessions := make([]string, n)
		for i, st := range streams {
			sessions[i] = st.Path()[len("/api/ai/stream/"):]
		}
		h.publish(b, publication{Sessions: sessions})
		time.Sleep(settleFor)
		before = h.memory(b.T)
		b.bytes("memory with open runs and no stream", before.held, 0, n, before.words())
	}
	took := c.open(b, streams)
	time.Sleep(settleFor)
	after := h.memory(b.T)
	counts := c.Counts()
	b.tell("seconds that opening took", int(took.Seconds()+.5), n, "")
	b.exactly("streams open when it is measured", int(counts.Open), n, n)
	b.bytes("memory with all streams open", after.held, most, n, after.words())
	b.bytes("memory a stream", (after.held-before.held)/n, oneStreamBound, n, "")
	b.bytes("kernel's part of a stream", (after.kernel-before.kernel)/n, 0, n, "")
	b.bytes("processes' part of a stream", (after.anon()-before.anon())/n, 0, n, "")
	b.sameWorkers(h)
}

// anon is the anonymous memory of all processes.
func (m memoryNow) anon() int64 {
	var sum int64
	for _, p := range m.shares {
		sum += p.anon
	}
	return sum
}
