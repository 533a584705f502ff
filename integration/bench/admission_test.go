package bench

import (
	"time"

	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	admissionOpens = 20_000
	refusedOpens   = 1000
	refusedAtOnce  = 16
	refusalBound   = 10 * time.Millisecond // p99
)

// admission opens twice as many streams as allowed, and then some more, which must all be refused.
func (b *bench) admission() {
	h := b.start(nil)
	c := harness.NewReaders(b.T, h, swarm.Options{})
	streams := c.Add(harness.NewSessions(admissionOpens), swarm.StreamOptions{})
	c.Open(streams...)
	counts := c.AwaitCounts(b.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == admissionOpens })
	_, untimed := harness.Refusals(streams)
	b.exactly("streams served", int(counts.Opened), streamsAtFull, admissionOpens)
	b.exactly("opens refused", int(counts.Refused), admissionOpens-streamsAtFull, admissionOpens)
	b.zero("opens without an answer", int(counts.Failed), admissionOpens)
	b.zero("refusals that are not 503 with Retry-After", untimed, int(counts.Refused))

	clock := h.CPU(b)
	more := harness.NewReaders(b.T, h, swarm.Options{Opening: refusedAtOnce})
	streams = more.Add(harness.NewSessions(refusedOpens), swarm.StreamOptions{})
	more.Open(streams...)
	counts = more.AwaitCounts(b.T, harness.OpenWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == refusedOpens })
	b.cores(h, clock, refusedOpens)
	times, untimed := harness.Refusals(streams)
	b.exactly("streams open meanwhile", int(c.Counts().Open), streamsAtFull, streamsAtFull)
	b.zero("opens served above the bound", int(counts.Opened), refusedOpens)
	b.zero("later opens with a different answer", untimed+int(counts.Failed), refusedOpens)
	b.took("connect to 503, 16 at once, p99", harness.Quantile(times, .99), refusalBound, len(times), harness.Spread(times))
	b.sameWorkers(h)
}
