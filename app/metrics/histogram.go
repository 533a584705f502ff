package metrics

import (
	"slices"
	"time"
)

// Histogram is a distribution of durations on a page: one word for each bucket and one for the sum. Entry.Observe writes
// it; Snapshot.Distribution reads it.
type Histogram int

// The histograms. Requests have one for each kind, so that short requests, such as opening a stream, do not hide how long
// an answer takes.
const (
	RequestProcess       Histogram = iota // requests that wait for their run
	RequestProcessStream                  // requests that start a run
	RequestStream                         // event streams, until they are open
	RequestNotes                          //
	RequestLibrary                        // sessions, stored content, preferences, feedback
	RequestAdmin                          //
	RequestOther                          // pages and unknown paths
	Runs                                  // agent runs, from admission to their end
	UpstreamCalls                         // model calls over HTTP, each attempt separately
	endHistogram
)

// endRequest follows the histograms of requests.
const endRequest = Runs

// bounds are the upper bounds of the buckets; one more bucket counts longer durations.
var bounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
}

// histogramWords is the size of a histogram on a page: its buckets, and the sum in nanoseconds.
const histogramWords = len(bounds) + 2

func (h Histogram) bucket(i int) Counter { return firstBucket + Counter(int(h)*histogramWords+i) }

func (h Histogram) sum() Counter { return h.bucket(len(bounds) + 1) }

// Observe adds a duration to a histogram; a negative one counts as 0. It costs two atomic additions.
func (p *Entry) Observe(h Histogram, took time.Duration) {
	took = max(took, 0)
	i, _ := slices.BinarySearch(bounds[:], took)
	p.Add(h.bucket(i), 1)
	p.Add(h.sum(), uint64(took))
}

// Distribution holds the counts of a histogram, or the sum of several.
type Distribution struct {
	Buckets [len(bounds) + 1]uint64 // observations up to each of bounds and above the one before, then those above the last; not cumulative
	Sum     time.Duration
}

// Distribution sums histograms over all workers, including departed ones.
func (s Snapshot) Distribution(of ...Histogram) Distribution {
	var d Distribution
	for _, h := range of {
		d.add(s, h)
	}
	return d
}

// distribution sums the histograms from one to before another.
func (s Snapshot) distribution(from, to Histogram) Distribution {
	var d Distribution
	for h := from; h < to; h++ {
		d.add(s, h)
	}
	return d
}

func (d *Distribution) add(s Snapshot, h Histogram) {
	for i := range d.Buckets {
		d.Buckets[i] += s.Total(h.bucket(i))
	}
	d.Sum += time.Duration(s.Total(h.sum())) //nolint:gosec // 292 years
}

// Count is the number of observations.
func (d Distribution) Count() uint64 {
	var n uint64
	for _, in := range d.Buckets {
		n += in
	}
	return n
}

// Since returns the observations made after an earlier Distribution of the same histograms.
func (d Distribution) Since(earlier Distribution) Distribution {
	for i := range d.Buckets {
		d.Buckets[i] -= earlier.Buckets[i]
	}
	d.Sum -= earlier.Sum
	return d
}

// Quantile returns the duration that a share of the observations (0 to 1) do not exceed, interpolated linearly within its
// bucket, as Prometheus does. Without observations it returns 0; observations above the last of Bounds count as that
// bound.
func (d Distribution) Quantile(share float64) time.Duration {
	rank := share * float64(d.Count())
	var below float64
	for i, in := range d.Buckets {
		if in == 0 || below+float64(in) < rank {
			below += float64(in)
			continue
		}
		if i == len(bounds) {
			break
		}
		var from time.Duration
		if i > 0 {
			from = bounds[i-1]
		}
		return from + time.Duration(float64(bounds[i]-from)*(rank-below)/float64(in))
	}
	if below == 0 && d.Count() == 0 {
		return 0
	}
	return bounds[len(bounds)-1]
}
