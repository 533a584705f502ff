// Package measure counts the requests of a run: each once, in a histogram of the whole run and in the row of the second
// in which it ended. The one idea: each second is reduced to a few figures as soon as it is over, so that a run of
// hours costs only its histograms, and 100 bytes a second.
package measure

import (
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// Longest is the longest time that is recorded exactly; longer times count as Longest.
	Longest = time.Hour

	digits     = 3     // significant, of a histogram: 0.1 %
	maxSeconds = 86400 // rows kept; requests that end later count in the last
	maxSeries  = 32    // histograms besides the requests'; more would be a bug in a scenario
)

// Outcome is the outcome of one request.
type Outcome struct {
	Series string        // its kind in a mixed load; "" = there is only one kind
	Took   time.Duration // from when it was due
	Kind   string        // why it failed; "" = it succeeded
}

// Totals are counts of requests.
type Totals struct {
	OK, Failed int64
}

// All returns the number of all requests.
func (t Totals) All() int64 { return t.OK + t.Failed }

// Second summarizes the requests that ended in one second of a run. Times are milliseconds; 0 if no request ended.
type Second struct {
	At     int     `json:"t"` // seconds since the beginning
	OK     int64   `json:"ok"`
	Failed int64   `json:"failed"`
	P50    float64 `json:"p50_ms"`
	P95    float64 `json:"p95_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

// Sheet counts requests. It is safe for concurrent use.
type Sheet struct {
	began time.Time
	now   func() time.Time

	mu       sync.Mutex
	totals   Totals
	failures map[string]int64
	whole    *hdrhistogram.Histogram
	series   map[string]*hdrhistogram.Histogram
	counts   map[string]int64
	seconds  []Second
	current  *hdrhistogram.Histogram // of the current second
	second   Second
	watch    func(Totals)
}

// NewSheet returns an empty sheet that begins now.
func NewSheet() *Sheet { return newSheet(time.Now) }

func newSheet(now func() time.Time) *Sheet {
	return &Sheet{began: now(), now: now, failures: map[string]int64{}, whole: histogram(), current: histogram(),
		series: map[string]*hdrhistogram.Histogram{}, counts: map[string]int64{}}
}

func histogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, Longest.Microseconds(), digits)
}

// Watch sets a function that is called after every request that is added, one call at a
// time. It must be set before the first request, and the function must neither block nor
// call the Sheet.
func (s *Sheet) Watch(f func(Totals)) { s.watch = f }

// Began returns when the sheet was created.
func (s *Sheet) Began() time.Time { return s.began }

// Add counts a request that ended now.
func (s *Sheet) Add(o Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(s.now())
	record(s.whole, o.Took)
	record(s.current, o.Took)
	if o.Series != "" {
		s.record(o.Series, o.Took)
	}
	if o.Kind == "" {
		s.totals.OK++
		s.second.OK++
	} else {
		s.totals.Failed++
		s.second.Failed++
		s.failures[o.Kind]++
	}
	if s.watch != nil {
		s.watch(s.totals)
	}
}

// Fail counts a failure that does not belong to a request: a stream that broke while it was held open.
func (s *Sheet) Fail(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(s.now())
	s.totals.Failed++
	s.second.Failed++
	s.failures[kind]++
	if s.watch != nil {
		s.watch(s.totals)
	}
}

// Time records a time that does not belong to a request, for example between two events.
func (s *Sheet) Time(series string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(series, took)
}

// Count adds n to the count with this name.
func (s *Sheet) Count(name string, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[name] += n
}

func (s *Sheet) record(series string, took time.Duration) {
	h := s.series[series]
	if h == nil {
		if len(s.series) == maxSeries {
			return
		}
		h = histogram()
		s.series[series] = h
	}
	record(h, took)
}

// record counts a time in microseconds, the histogram's unit.
func record(h *hdrhistogram.Histogram, took time.Duration) {
	// Within the histogram's bounds, so recording cannot fail.
	_ = h.RecordValue(min(max(took, time.Microsecond), Longest).Microseconds())
}

// turn closes the seconds that are over. The lock must be held.
func (s *Sheet) turn(now time.Time) {
	at := min(int(now.Sub(s.began)/time.Second), maxSeconds-1)
	if at <= s.second.At {
		return
	}
	s.seconds = append(s.seconds, s.row())
	for empty := s.second.At + 1; empty < at; empty++ {
		s.seconds = append(s.seconds, Second{At: empty})
	}
	s.second = Second{At: at}
	s.current.Reset()
}

// row returns the current second with its percentiles.
func (s *Sheet) row() Second {
	row := s.second
	if row.OK+row.Failed > 0 {
		row.P50, row.P95, row.P99 = at(s.current, 50), at(s.current, 95), at(s.current, 99)
		row.Max = milliseconds(s.current.Max())
	}
	return row
}

// Live is the progress of a run.
type Live struct {
	Totals
	Rate float64 // requests per second, in the last whole second
	P99  float64 // of the whole run, in milliseconds
}

// Live returns the progress of the run.
func (s *Sheet) Live() Live {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(s.now())
	l := Live{Totals: s.totals, P99: at(s.whole, 99)}
	if n := len(s.seconds); n > 0 {
		l.Rate = float64(s.seconds[n-1].OK + s.seconds[n-1].Failed)
	}
	return l
}

// Result returns the summary. The sheet can still be added to.
func (s *Sheet) Result() Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.turn(now)
	r := Result{Totals: s.totals, Took: now.Sub(s.began), Failures: maps.Clone(s.failures), Counts: maps.Clone(s.counts),
		Latency: summary(s.whole), Ladder: ladder(s.whole), Series: map[string]Summary{}}
	for name, h := range s.series {
		r.Series[name] = summary(h)
	}
	r.Seconds = append(append(r.Seconds, s.seconds...), s.row())
	return r
}
