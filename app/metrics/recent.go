package metrics

import "time"

// RecentSpan is how far back Recent looks, at the most.
const RecentSpan = time.Minute

// The subjects that Recent tells of.
const (
	RecentRequests = iota // all requests, probes left out
	RecentRuns
	RecentUpstream
)

// The figures of a subject on the supervisor's page.
const (
	recentCount = iota
	recentP50   // nanoseconds
	recentP95
	recentP99
	endFigure
)

// recentOf are the histograms that are summed for each subject, from and to.
var recentOf = [...][2]Histogram{{0, endRequest}, {Runs, Runs + 1}, {UpstreamCalls, UpstreamCalls + 1}}

// Recent finds the percentiles of the last minute. It belongs to the supervisor,
// which looks once a second and puts them on its page for anyone to read: a worker
// may be younger than a minute.
type Recent struct {
	ring [len(recentOf)][int(RecentSpan/HeartbeatEvery) + 1]Distribution // the newest at next-1
	next int
	full bool
}

// Look takes what the board holds now into account. It is to be called once a
// HeartbeatEvery, by one goroutine.
func (r *Recent) Look(b *Board) {
	board, own := b.Snapshot(), b.Supervisor()
	for i, of := range recentOf {
		r.ring[i][r.next] = board.Distribution(span(of)...)
	}
	oldest := 0
	if r.next++; r.next == len(r.ring[0]) {
		r.next, r.full = 0, true
	}
	if r.full {
		oldest = r.next
	}
	newest := (r.next + len(r.ring[0]) - 1) % len(r.ring[0])
	for i := range recentOf {
		d := r.ring[i][newest].Since(r.ring[i][oldest])
		own.Set(figure(i, recentCount), int64(d.Count())) //nolint:gosec // of one minute
		own.Set(figure(i, recentP50), int64(d.Quantile(0.50)))
		own.Set(figure(i, recentP95), int64(d.Quantile(0.95)))
		own.Set(figure(i, recentP99), int64(d.Quantile(0.99)))
	}
}

func span(of [2]Histogram) []Histogram {
	var all []Histogram
	for h := of[0]; h < of[1]; h++ {
		all = append(all, h)
	}
	return all
}

func figure(subject, which int) Gauge { return firstRecent + Gauge(subject*endFigure+which) }

// Latency is how long a subject took lately.
type Latency struct {
	Count         int64 // of how many
	P50, P95, P99 time.Duration
}

// Latency gives what Recent found last of a subject, such as RecentRequests.
func (s Snapshot) Latency(subject int) Latency {
	at := func(which int) int64 { return s.Own.Gauge(figure(subject, which)) }
	return Latency{Count: at(recentCount), P50: time.Duration(at(recentP50)),
		P95: time.Duration(at(recentP95)), P99: time.Duration(at(recentP99))}
}
