package integration

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"studysharper/loadtest/swarm"
)

const (
	admissionOpens = 20_000
	refusedOpens   = 1000
	refusedAtOnce  = 16
	refusalBound   = 10 * time.Millisecond // p99
)

// admission: twice as many opens as there may be streams, and then some that are all refused.
func (b *bench) admission() {
	h := b.start(nil)
	c := newCrowd(b.T, h, swarm.Options{})
	streams := c.add(newSessions(admissionOpens), swarm.StreamOptions{})
	c.Open(streams...)
	counts := c.await(b.T, openWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == admissionOpens })
	_, untimed := refusals(streams)
	b.exactly("streams served", int(counts.Opened), streamsAtFull, admissionOpens)
	b.exactly("opens refused", int(counts.Refused), admissionOpens-streamsAtFull, admissionOpens)
	b.zero("opens without an answer", int(counts.Failed), admissionOpens)
	b.zero("refusals that are not 503 with Retry-After", untimed, int(counts.Refused))

	clock := h.cpu(b)
	more := newCrowd(b.T, h, swarm.Options{Opening: refusedAtOnce})
	streams = more.add(newSessions(refusedOpens), swarm.StreamOptions{})
	more.Open(streams...)
	counts = more.await(b.T, openWithin, func(n swarm.Counts) bool { return n.Opened+n.Refused+n.Failed == refusedOpens })
	b.cores(h, clock, refusedOpens)
	times, untimed := refusals(streams)
	b.exactly("streams open meanwhile", int(c.Counts().Open), streamsAtFull, streamsAtFull)
	b.zero("opens served above the bound", int(counts.Opened), refusedOpens)
	b.zero("later opens that were answered otherwise", untimed+int(counts.Failed), refusedOpens)
	b.took("connect to 503, 16 at once, p99", quantile(times, .99), refusalBound, len(times), spread(times))
	b.sameWorkers(h)
}

// refusals are the times from connect to answer of those refused, sorted, and how many of them were no 503 that says
// when to come back.
func refusals(streams []*swarm.Stream) (times []time.Duration, wrong int) {
	for _, st := range streams {
		s := st.State()
		if s.Status == 0 || s.Status == http.StatusOK {
			continue
		}
		times = append(times, s.Answered.Sub(s.Began))
		if seconds, err := strconv.Atoi(s.RetryAfter); s.Status != http.StatusServiceUnavailable || err != nil || seconds < 1 {
			wrong++
		}
	}
	slices.Sort(times)
	return times, wrong
}
