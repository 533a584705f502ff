package metrics

import "time"

// RecentSpan is the longest period that Recent covers.
const RecentSpan = time.Minute

// The subjects of Recent.
const (
	RecentRequests = iota // all requests except probes
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

// recentOf are the ranges of histograms, from and to, that are summed for each subject.
var recentOf = [...][2]Histogram{{0, endRequest}, {Runs, Runs + 1}, {UpstreamCalls, UpstreamCalls + 1}}

// Recent computes percentiles of the last minute. The supervisor updates it once a second and publishes the results on
// its page, because a worker may be younger than a minute.
type Recent struct {
	ring [len(recentOf)][int(RecentSpan/HeartbeatEvery) + 1]Distribution // ring buffer; the newest is at next-1
	next int
	full bool
	read Snapshot // the board as it was last read
}

// Update adds the board's current counts, and returns them until the next call. One goroutine must call it once every
// HeartbeatEvery. It makes no garbage, because an idle process retains its garbage for minutes.
func (r *Recent) Update(b *Board) Snapshot {
	b.Refresh(&r.read)
	own := b.Supervisor()
	for i, of := range recentOf {
		r.ring[i][r.next] = r.read.distribution(of[0], of[1])
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
	return r.read
}

func figure(subject, which int) Gauge { return firstRecent + Gauge(subject*endFigure+which) }

// Latency describes the recent durations of a subject.
type Latency struct {
	Count         int64 // observations
	P50, P95, P99 time.Duration
}

// Latency returns the latest result of Recent for a subject, such as RecentRequests.
func (s Snapshot) Latency(subject int) Latency {
	at := func(which int) int64 { return s.Own.Gauge(figure(subject, which)) }
	return Latency{Count: at(recentCount), P50: time.Duration(at(recentP50)),
		P95: time.Duration(at(recentP95)), P99: time.Duration(at(recentP99))}
}
