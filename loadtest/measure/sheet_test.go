package measure

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests set.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestEverySecondHasItsOwnRow(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	s := newSheet(c.now)
	s.Add(Outcome{Took: 10 * time.Millisecond})
	c.t = c.t.Add(999 * time.Millisecond)
	s.Add(Outcome{Took: 20 * time.Millisecond, Kind: "timeout"})
	c.t = c.t.Add(3 * time.Second)
	s.Add(Outcome{Took: 30 * time.Millisecond})
	r := s.Result()
	if len(r.Seconds) != 4 {
		t.Fatalf("%d rows: %+v", len(r.Seconds), r.Seconds)
	}
	for i, want := range []Second{{At: 0, OK: 1, Failed: 1}, {At: 1}, {At: 2}, {At: 3, OK: 1}} {
		got := r.Seconds[i]
		if got.At != want.At || got.OK != want.OK || got.Failed != want.Failed {
			t.Errorf("row %d is %+v, want %+v", i, got, want)
		}
	}
	if far(r.Seconds[0].P50, 10) || far(r.Seconds[0].Max, 20) || r.Seconds[1].Max != 0 || far(r.Seconds[3].P99, 30) {
		t.Errorf("percentiles of the rows: %+v", r.Seconds)
	}
	if r.OK != 2 || r.Failed != 1 || r.Failures["timeout"] != 1 || r.Took != 3999*time.Millisecond {
		t.Errorf("result %+v", r)
	}
}

// far reports whether a figure is not within the histograms' 0.1 %.
func far(got, want float64) bool { return math.Abs(got-want) > want/1000+0.001 }

func TestPercentilesAreWithinATenthOfAPercent(t *testing.T) {
	s := NewSheet()
	for i := 1; i <= 100_000; i++ {
		s.Add(Outcome{Series: "chat", Took: time.Duration(i) * 10 * time.Microsecond})
	}
	r := s.Result()
	for name, pair := range map[string][2]float64{
		"p50": {r.Latency.P50, 500}, "p90": {r.Latency.P90, 900}, "p95": {r.Latency.P95, 950}, "p99": {r.Latency.P99, 990},
		"p99.9": {r.Latency.P999, 999}, "max": {r.Latency.Max, 1000}, "mean": {r.Latency.Mean, 500}, "a series' p99": {r.Series["chat"].P99, 990},
	} {
		if far(pair[0], pair[1]) {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
	for i, rung := range r.Ladder[1:] {
		if rung.MS < r.Ladder[i].MS || rung.Percentile <= r.Ladder[i].Percentile {
			t.Errorf("ladder falls at %+v", rung)
		}
	}
}

func TestTimesBeyondTheBoundsAreKeptAtThem(t *testing.T) {
	s := NewSheet()
	s.Add(Outcome{Took: -time.Second})
	s.Add(Outcome{Took: 2 * Longest})
	r := s.Result()
	if r.Latency.Count != 2 || far(r.Latency.Max, float64(Longest.Milliseconds())) || r.Latency.P50 > 0.002 {
		t.Errorf("%+v", r.Latency)
	}
}

func TestADayIsTheMostThatIsKept(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	s := newSheet(c.now)
	c.t = c.t.Add(30 * time.Hour)
	s.Add(Outcome{Took: time.Second})
	s.Add(Outcome{Took: time.Second})
	r := s.Result()
	if len(r.Seconds) != maxSeconds || r.Seconds[maxSeconds-1].OK != 2 {
		t.Errorf("%d rows, last %+v", len(r.Seconds), r.Seconds[len(r.Seconds)-1])
	}
}

func TestNoMoreSeriesThanTheBound(t *testing.T) {
	s := NewSheet()
	for i := range maxSeries + 1 {
		s.Time(fmt.Sprint(i), time.Second)
	}
	if n := len(s.Result().Series); n != maxSeries {
		t.Errorf("%d series", n)
	}
}

func TestWatchersSeeEveryRequestOnce(t *testing.T) {
	s := NewSheet()
	var seen []int64
	s.Watch(func(totals Totals) { seen = append(seen, totals.All()) })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				s.Add(Outcome{Took: time.Millisecond})
				s.Count("events", 2)
			}
		})
	}
	all.Wait()
	for i, n := range seen {
		if n != int64(i+1) {
			t.Fatalf("call %d saw %d requests", i+1, n)
		}
	}
	if r := s.Result(); len(seen) != 800 || r.Counts["events"] != 1600 {
		t.Errorf("%d calls, %d events", len(seen), r.Counts["events"])
	}
}

func TestAFailureWithoutARequestHasNoTime(t *testing.T) {
	s := NewSheet()
	seen := 0
	s.Watch(func(Totals) { seen++ })
	s.Fail("stream broken")
	r := s.Result()
	if r.Failed != 1 || r.Failures["stream broken"] != 1 || r.Latency.Count != 0 || r.Seconds[0].Failed != 1 || seen != 1 {
		t.Errorf("%+v", r)
	}
}

func TestAnEmptySheetHasNoPercentiles(t *testing.T) {
	r := NewSheet().Result()
	if r.Latency != (Summary{}) || len(r.Ladder) != 0 || r.All() != 0 || len(r.Seconds) != 1 {
		t.Errorf("%+v", r)
	}
}

func BenchmarkAdd(b *testing.B) {
	s := NewSheet()
	for b.Loop() {
		s.Add(Outcome{Took: time.Millisecond})
	}
}
