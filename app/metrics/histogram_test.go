package metrics

import (
	"testing"
	"time"
)

func TestADurationIsInTheBucketThatEndsWithIt(t *testing.T) {
	b := openBoard(t)
	index, _ := b.Claim(0, 1)
	p := b.Worker(index)
	for _, took := range bounds {
		p.Observe(Runs, took)
	}
	p.Observe(Runs, bounds[0]+1)
	p.Observe(Runs, -time.Second)
	p.Observe(Runs, 2*time.Minute+1)
	d := b.Snapshot().Distribution(Runs)
	if d.Buckets[0] != 2 || d.Buckets[1] != 2 || d.Buckets[len(d.Buckets)-1] != 1 || d.Count() != uint64(len(bounds))+3 {
		t.Errorf("got %v", d)
	}
	if other := b.Snapshot().Distribution(RequestOther, UpstreamCalls); other.Count() != 0 || other.Sum != 0 {
		t.Errorf("the neighbours have %v", other)
	}
}

func TestHistogramsOutliveTheirWorker(t *testing.T) {
	b := openBoard(t)
	for generation := range 3 {
		index, _ := b.Claim(0, generation)
		b.Worker(index).Observe(UpstreamCalls, time.Second)
		b.Worker(index).Add(Responses(503), 2)
		b.Retire(index)
	}
	s := b.Snapshot()
	if d := s.Distribution(UpstreamCalls); d.Count() != 3 || d.Sum != 3*time.Second || s.Total(Responses(503)) != 6 {
		t.Errorf("got %v, %d", d, s.Total(Responses(503)))
	}
}

func TestEveryStatusHasACounterAndTheOthersShareOne(t *testing.T) {
	taken := map[Counter]int{Responses(0): 0}
	for _, status := range Statuses() {
		c := Responses(status)
		if other, twice := taken[c]; twice || c >= endCounter {
			t.Errorf("%d has the word %d of %d", status, c, other)
		}
		taken[c] = status
	}
	if Responses(418) != Responses(0) || Responses(0) >= endCounter {
		t.Errorf("418 has the word %d", Responses(418))
	}
}

func TestAQuantileIsWithinItsBucket(t *testing.T) {
	b := openBoard(t)
	index, _ := b.Claim(0, 1)
	if got := b.Snapshot().Distribution(Runs).Quantile(0.99); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for range 90 {
		b.Worker(index).Observe(Runs, 3*time.Millisecond)
	}
	for range 10 {
		b.Worker(index).Observe(Runs, 700*time.Millisecond)
	}
	d := b.Snapshot().Distribution(Runs)
	for share, within := range map[float64][2]time.Duration{
		0.5:  {2500 * time.Microsecond, 5 * time.Millisecond},
		0.9:  {5 * time.Millisecond, 5 * time.Millisecond},
		0.95: {500 * time.Millisecond, time.Second},
		1:    {time.Second, time.Second},
	} {
		if got := d.Quantile(share); got < within[0] || got > within[1] {
			t.Errorf("%v: got %v, want within %v", share, got, within)
		}
	}
	b.Worker(index).Observe(UpstreamCalls, time.Hour)
	if got := b.Snapshot().Distribution(UpstreamCalls).Quantile(0.5); got != 2*time.Minute {
		t.Errorf("above the last bucket: %v", got)
	}
}

func TestRecentForgetsWhatIsOlderThanAMinute(t *testing.T) {
	b := openBoard(t)
	index, _ := b.Claim(0, 1)
	var r Recent
	r.Update(b)
	b.Worker(index).Observe(RequestNotes, 40*time.Millisecond)
	b.Worker(index).Observe(RequestOther, 40*time.Millisecond)
	b.Worker(index).Observe(Runs, 4*time.Second)
	for second := 1; second <= 130; second++ {
		if second == 30 {
			b.Retire(index) // a worker's durations are reported even after it has ended
		}
		r.Update(b)
		s := b.Snapshot()
		requests, runs := s.Latency(RecentRequests), s.Latency(RecentRuns)
		if known := second <= 60; (requests.Count == 2) != known || (runs.Count == 1) != known || (runs.P50 > 2500*time.Millisecond) != known {
			t.Fatalf("after %d s: %+v, %+v", second, requests, runs)
		}
		if up := s.Latency(RecentUpstream); up != (Latency{}) {
			t.Fatalf("calls that nobody made: %+v", up)
		}
	}
}

func TestTheExpositionIsEscapedAndCumulative(t *testing.T) {
	var e Exposition
	e.Family("a_total", "counter", "one\ntwo \\ three")
	e.Sample(1e6)
	e.Sample(2.5, "x", "q\"\\\n", "y", "")
	e.Family("b_seconds", "histogram", "h")
	d := Distribution{Sum: 1500 * time.Millisecond}
	d.Buckets[0], d.Buckets[3], d.Buckets[len(d.Buckets)-1] = 1, 2, 4
	e.Distribution(d, "route", "r")
	got := string(e.Bytes())
	want := "# HELP a_total one\\ntwo \\\\ three\n# TYPE a_total counter\na_total 1e+06\na_total{x=\"q\\\"\\\\\\n\",y=\"\"} 2.5\n" +
		"# HELP b_seconds h\n# TYPE b_seconds histogram\n"
	for i, le := range []string{"0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "120", "+Inf"} {
		n := "1"
		if i >= 3 {
			n = "3"
		}
		if le == "+Inf" {
			n = "7"
		}
		want += `b_seconds_bucket{route="r",le="` + le + `"} ` + n + "\n"
	}
	want += "b_seconds_sum{route=\"r\"} 1.5\nb_seconds_count{route=\"r\"} 7\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
