package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/loadtest/client"
)

const answer = `{"status":"success","memory":{"container_bytes":%d,"peak_bytes":9,"limit_bytes":512,"oom_kills":1,"supervisor_rss_bytes":10},
"workers":[{"pid":1,"rss_bytes":20},{"pid":2,"rss_bytes":30}],"cache":{"hits":4,"misses":5,"items":6,"oldest_entry_age_seconds":1.5},
"sse":{"active_connections":7},"runs":{"active":8,"shed":9},"recycles":{"max_requests":3,"crash":1}}`

func sampler(t *testing.T, handler http.HandlerFunc) *Sampler {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	target, err := client.ParseTarget(web.URL)
	if err == nil {
		err = target.Resolve(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return NewSampler(target, "s3cret")
}

func TestAReadingHoldsWhatTheServiceSays(t *testing.T) {
	s := sampler(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/api/admin/metrics" || r.Header.Get("X-Admin-Token") != "s3cret" {
			w.WriteHeader(403)
		}
		fmt.Fprintf(w, answer, 100)
	})
	got, err := s.Check(t.Context())
	if err != nil || got.Memory != 100 || got.RSS != 60 || got.Limit != 512 || got.Workers != 2 || got.Recycled() != 4 || got.Hits != 4 || got.Misses != 5 ||
		got.Items != 6 || got.Streams != 7 || got.Runs != 8 || got.Shed != 9 || got.OOMKills != 1 {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestWithoutAContainerTheProcessesCount(t *testing.T) {
	s := sampler(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, answer, 0) })
	if got, err := s.Check(t.Context()); err != nil || got.Memory != 60 {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestWhatIsNoReadingIsAnError(t *testing.T) {
	for body, status := range map[string]int{"no": 403, "": 401, "{}": 200, "<html>": 200, "down": 503} {
		s := sampler(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); io.WriteString(w, body) })
		_, err := s.Check(t.Context())
		if err == nil || errors.Is(err, ErrToken) != (status == 403 || status == 401) {
			t.Errorf("%d %q: %v", status, body, err)
		}
	}
}

func TestReadingsThatFailAreCountedAndLeftOut(t *testing.T) {
	var calls atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := sampler(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n := calls.Add(1); {
		case n == 2:
			w.WriteHeader(500)
		case n == 4:
			cancel() // the run's end cancels this reading, and triggers another
		}
		fmt.Fprintf(w, answer, 100)
	})
	s.step = time.Millisecond
	if _, err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	s.Run(ctx, time.Now())
	all, failed := s.Samples()
	last, ok := s.Last()
	if len(all) != 3 || failed != 1 || !ok || last.At != all[2].At || all[0].At > all[1].At {
		t.Errorf("%d readings, %d failed, last %+v", len(all), failed, last)
	}
}

func TestALongRunIsThinnedOut(t *testing.T) {
	s := &Sampler{step: every}
	for i := range maxSamples {
		s.keep(Sample{At: float64(i)}, nil)
	}
	all, _ := s.Samples()
	if len(all) != maxSamples/2 || all[1].At != 2 || s.step != 2*every {
		t.Errorf("%d readings, the second at %v, then each %v", len(all), all[1].At, s.step)
	}
}
