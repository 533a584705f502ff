package bench

import (
	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	idleStreamsBound = 48_000_000 // for the whole container, with all streams open
	oneStreamBound   = 3_500
)

// idleUnposted opens streams of sessions without a post.
func (b *bench) idleUnposted() { b.idle(false, idleStreamsBound) }

// idleSilent opens streams of sessions with a run that sends nothing. The runs are started before the streams are
// counted, and the total is reported without a goal, since it includes ten thousand open runs.
func (b *bench) idleSilent() { b.idle(true, 0) }

func (b *bench) idle(posted bool, most int64) {
	const n = streamsAtFull
	h := b.start(nil)
	c := harness.NewReaders(b.T, h, swarm.Options{})
	streams := c.Add(harness.NewSessions(n), swarm.StreamOptions{})
	testkit.Pause(harness.SettleFor) // memory used by starting is returned
	before := h.Memory(b.T)
	b.bytes("memory before", before.Held, 0, 1, before.String())
	if posted {
		sessions := make([]string, n)
		for i, st := range streams {
			sessions[i] = st.Path()[len("/api/ai/stream/"):]
		}
		publish(h, b, publication{Sessions: sessions})
		testkit.Pause(harness.SettleFor)
		before = h.Memory(b.T)
		b.bytes("memory with open runs and no stream", before.Held, 0, n, before.String())
	}
	took := open(c, b, streams)
	testkit.Pause(harness.SettleFor)
	after := h.Memory(b.T)
	counts := c.Counts()
	b.tell("seconds that opening took", int(took.Seconds()+.5), n, "")
	b.exactly("streams open when it is measured", int(counts.Open), n, n)
	b.bytes("memory with all streams open", after.Held, most, n, after.String())
	b.bytes("memory a stream", (after.Held-before.Held)/n, oneStreamBound, n, "")
	b.bytes("kernel's part of a stream", (after.Kernel-before.Kernel)/n, 0, n, "")
	b.bytes("processes' part of a stream", (after.Anon()-before.Anon())/n, 0, n, "")
	b.sameWorkers(h)
}
