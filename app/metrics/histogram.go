package metrics

import (
	"slices"
	"time"
)

// Histogram is a distribution of durations on a page: a word for each bucket and
// one for the sum. It is fed by Entry.Observe and read from a Snapshot.
type Histogram int

// The histograms. Requests are told apart by what they ask for, so that a stream's
// opening does not hide how long an answer takes.
const (
	RequestProcess       Histogram = iota // runs that are waited for
	RequestProcessStream                  // runs that are begun
	RequestStream                         // event streams, until they are open
	RequestNotes                          //
	RequestLibrary                        // sessions, kept content, preferences, feedback
	RequestAdmin                          //
	RequestOther                          // pages, and what is not there
	Runs                                  // agent runs, from being let in to their end
	UpstreamCalls                         // calls of a model over HTTP, each try by itself
	endHistogram
)

// endRequest is behind the histograms of requests.
const endRequest = Runs

// bounds are the upper ends of the buckets; what is longer is in one more.
var bounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
}

// histogramWords are a histogram's on a page: its buckets and the sum in nanoseconds.
const histogramWords = len(bounds) + 2

// Bounds are the upper ends of all buckets but the last, rising.
func Bounds() []time.Duration { return bounds[:] }

func (h Histogram) bucket(i int) Counter { return firstBucket + Counter(int(h)*histogramWords+i) }

func (h Histogram) sum() Counter { return h.bucket(len(bounds) + 1) }

// Observe puts a duration into a histogram; one below 0 counts as 0. It costs two
// atomic additions.
func (p *Entry) Observe(h Histogram, took time.Duration) {
	took = max(took, 0)
	i, _ := slices.BinarySearch(bounds[:], took)
	p.Add(h.bucket(i), 1)
	p.Add(h.sum(), uint64(took))
}

// Distribution is what a histogram holds, or the sum of several.
type Distribution struct {
	Buckets [len(bounds) + 1]uint64 // observations within each of Bounds, and above the last; not cumulative
	Sum     time.Duration
}

// Distribution adds the histograms up over all workers there ever were.
func (s Snapshot) Distribution(of ...Histogram) Distribution {
	var d Distribution
	for _, h := range of {
		for i := range d.Buckets {
			d.Buckets[i] += s.Total(h.bucket(i))
		}
		d.Sum += time.Duration(s.Total(h.sum())) //nolint:gosec // 292 years
	}
	return d
}

// Count is the number of observations.
func (d Distribution) Count() uint64 {
	var n uint64
	for _, in := range d.Buckets {
		n += in
	}
	return n
}

// Since is what came to the distribution after an earlier one of the same histograms.
func (d Distribution) Since(earlier Distribution) Distribution {
	for i := range d.Buckets {
		d.Buckets[i] -= earlier.Buckets[i]
	}
	d.Sum -= earlier.Sum
	return d
}

// Quantile is the duration that a share of the observations (0 to 1) do not exceed,
// estimated by a straight line within its bucket, as Prometheus does; 0 without any. What is
// above the last of Bounds counts as that.
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
