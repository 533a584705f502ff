package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/study"
)

func TestHealthHasTheContractsFields(t *testing.T) {
	f := serve(t)
	got := f.ask("GET", "/health", "").object(t)
	if got["status"] != "healthy" || got["service"] != "studysharper_backend" || got["version"] != "test" {
		t.Errorf("got %v", got)
	}
	has(t, got, "environment", "timestamp", "endpoints")
	has(t, got["components"].(map[string]any), "database", "cache", "events", "llm", "monitoring", "rate_limiting", "sse_streaming")
}

func TestHealthIsDegradedButServedWithoutADatabase(t *testing.T) {
	f := serve(t)
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	if r := f.ask("GET", "/health", ""); r.StatusCode != 200 || r.object(t)["status"] != "degraded" {
		t.Errorf("health: %d %s", r.StatusCode, r.body)
	}
	if r := f.ask("GET", "/readyz", ""); r.StatusCode != 503 || !strings.Contains(string(r.body), "database") {
		t.Errorf("readyz: %d %s", r.StatusCode, r.body)
	}
	f.ask("GET", "/readyz", "") // a second probe has nothing new to report
	if told := strings.Count(f.log.String(), "database availability changed"); told != 1 {
		t.Errorf("the log tells %d times that the database is away", told)
	}
	if r := f.ask("GET", "/livez", ""); r.StatusCode != 200 {
		t.Errorf("livez: %d", r.StatusCode)
	}
}

// countedProbes counts the queries of health.
type countedProbes struct {
	store.Store
	stream.Journal
	pings, looks int
	err          error
}

func (c *countedProbes) Ping(context.Context) error { c.pings++; return c.err }

func (c *countedProbes) Since(context.Context, stream.Query) (study.Batch, error) {
	c.looks++
	return study.Batch{}, nil
}

func TestDatabaseAndJournalAreAskedFourTimesASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &countedProbes{}
		s := &Server{o: Options{Store: c, Journal: c, Log: slog.New(slog.DiscardHandler)}, lifetime: t.Context()}
		const each = 50 * time.Millisecond
		for range 20 * int(time.Second/each) {
			if failing := s.failingComponents(); len(failing) > 0 {
				t.Fatalf("failing: %v", failing)
			}
			time.Sleep(each)
		}
		if c.pings != 80 || c.looks != 80 {
			t.Errorf("asked the database %d times and the journal %d times in 20 s, want 80", c.pings, c.looks)
		}
		c.err = errors.New("away")
		time.Sleep(probeEvery - each)
		if failing := s.failingComponents(); failing["database"] == "" {
			t.Errorf("an old outcome is believed: %v", failing)
		}
	})
}

func TestHealthIsDegradedWhileTheModelIsLeftAlone(t *testing.T) {
	f := serve(t)
	f.fleet.degraded.Store(&[]string{"llm"})
	for _, want := range []struct{ status, llm string }{{"degraded", "degraded"}, {"healthy", "offline"}} {
		r := f.ask("GET", "/health", "")
		got := r.object(t)
		if llm := got["components"].(map[string]any)["llm"]; r.StatusCode != 200 || got["status"] != want.status || llm != want.llm {
			t.Errorf("health: %d %s, want %+v", r.StatusCode, r.body, want)
		}
		if r := f.ask("GET", "/readyz", ""); r.StatusCode != 200 { // cached answers are still served
			t.Errorf("readyz: %d %s", r.StatusCode, r.body)
		}
		f.fleet.degraded.Store(nil)
	}
}
