package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

func run(e study.Execution) string { return e.RunID }

// flush makes recorded executions visible, by a Run that ends at once.
func flush(t *testing.T, s store.Store) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	ok(t, s.Run(ended))
}

var executionTests = map[string]func(*testing.T, store.Store){
	"AnExecutionComesBackAsItWasRecorded": func(t *testing.T, s store.Store) {
		e := study.Execution{
			RunID: "r", UserID: "ada", SessionID: noID, Type: study.Quiz, ErrorCode: study.CodeTimeout,
			Millis: 120, Tokens: 42, Model: "m", CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
		}
		s.RecordExecution(e)
		s.RecordExecution(study.Execution{RunID: "now", UserID: "ada", Success: true, Model: "x" + strings.Repeat("é", 256)})
		flush(t, s)
		got := rows(s.Activity(t.Context(), "ada", store.Page{Limit: 9}))(t)
		if len(got) != 2 || got[1] != e || !recent(got[0].CreatedAt) || got[0].Model != "x"+strings.Repeat("é", 255) {
			t.Errorf("got %+v, want last %+v", got, e)
		}
		if got := rows(s.Failures(t.Context(), store.Page{Limit: 9}))(t); len(got) != 1 || got[0] != e {
			t.Errorf("failures %+v, want %+v", got, e)
		}
	},
	"TheLongestUserHasActivity": func(t *testing.T, s store.Store) {
		user := strings.Repeat("\U0001F331", study.MaxIDRunes)
		s.RecordExecution(study.Execution{RunID: "r", UserID: user})
		flush(t, s)
		same(t, texts(run, rows(s.Activity(t.Context(), user, store.Page{Limit: 9}))(t)), "r")
	},
	"RunWritesSoonAndAtItsEnd": func(t *testing.T, s store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		s.RecordExecution(study.Execution{RunID: "1", UserID: "ada"})
		testkit.Eventually(t, "a flush", func() bool { return len(rows(s.Activity(t.Context(), "ada", store.Page{Limit: 9}))(t)) == 1 })
		s.RecordExecution(study.Execution{RunID: "2", UserID: "ada"})
		cancel()
		ok(t, <-done)
		same(t, texts(run, rows(s.Activity(t.Context(), "ada", store.Page{Limit: 9}))(t)), "2", "1")
	},
	"TotalsSumASpanOfTime": func(t *testing.T, s store.Store) {
		start := time.Now()
		none := must(s.Totals(t.Context(), start))(t)
		if none.TotalRequests != 0 || none.SuccessRate != 0 || none.AvgExecutionTimeMS != 0 || none.AgentMetrics == nil || none.ModelMetrics == nil {
			t.Errorf("of nothing: %+v", none)
		}
		for i := range int64(4) {
			s.RecordExecution(study.Execution{Type: study.Chat, Success: i > 0, Millis: 10 * i, Tokens: 5, Cost: .25, Model: "m", CreatedAt: start.Add(time.Duration(i))})
		}
		s.RecordExecution(study.Execution{Type: study.Quiz, Success: true, Millis: 100, CreatedAt: start})
		s.RecordExecution(study.Execution{Type: study.Quiz, Millis: 9e9, CreatedAt: start.Add(-time.Millisecond)})
		flush(t, s)
		got := must(s.Totals(t.Context(), start))(t)
		chat := got.AgentMetrics[study.Chat]
		if got.TotalRequests != 5 || got.Successful != 4 || got.Failed != 1 || got.SuccessRate != 80 || got.AvgExecutionTimeMS != 32 || got.TotalTokensUsed != 20 {
			t.Errorf("got %+v", got)
		}
		want := study.AgentMetrics{Requests: 4, Successful: 3, Failed: 1, AvgExecutionTimeMS: 15, TokensUsed: 20, Cost: 1}
		if chat != want || len(got.AgentMetrics) != 2 {
			t.Errorf("chat %+v, want %+v", chat, want)
		}
		if got.ModelMetrics["m"] != want || got.ModelMetrics[""].Requests != 1 || len(got.ModelMetrics) != 2 || got.TotalCost != 1 {
			t.Errorf("by model %+v, %v in all", got.ModelMetrics, got.TotalCost)
		}
	},
	"ListsOfExecutionsAreNewestFirstAndBounded": func(t *testing.T, s store.Store) {
		start := time.Now()
		for i := range store.MaxRows + 1 {
			s.RecordExecution(study.Execution{RunID: fmt.Sprint(i), UserID: "ada", CreatedAt: start.Add(time.Duration(i) * time.Millisecond)})
		}
		flush(t, s)
		for _, list := range []func(limit int) ([]study.Execution, string, error){
			func(limit int) ([]study.Execution, string, error) {
				return s.Failures(t.Context(), store.Page{Limit: limit})
			},
			func(limit int) ([]study.Execution, string, error) {
				return s.Activity(t.Context(), "ada", store.Page{Limit: limit})
			},
		} {
			same(t, texts(run, rows(list(2))(t)), "200", "199")
			if got := rows(list(store.MaxRows + 1))(t); len(got) != store.MaxRows {
				t.Errorf("got %d, want %d", len(got), store.MaxRows)
			}
		}
		if got := rows(s.Activity(t.Context(), "bob", store.Page{Limit: 9}))(t); got == nil || len(got) > 0 {
			t.Errorf("another user got %v, want an empty list", got)
		}
	},
	"TotalsAreExactWhereverTheirTimeCutsAnHour": func(t *testing.T, s store.Store) {
		hour := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		const step = 15 * time.Minute
		for i := range 13 { // 12:00 to 15:00
			s.RecordExecution(study.Execution{RunID: fmt.Sprint(i), Type: study.Chat, Model: "m", Success: i%2 == 0, Millis: 10, Tokens: 1, CreatedAt: hour.Add(time.Duration(i) * step)})
		}
		flush(t, s)
		s.RecordExecution(study.Execution{RunID: "later", Type: study.Chat, Model: "m", Millis: 10, Tokens: 1, CreatedAt: hour.Add(step)}) // a second one in an hour that already has a sum
		flush(t, s)
		for since, want := range map[time.Duration]int64{-time.Microsecond: 14, 0: 14, time.Microsecond: 13, step: 13, step + time.Microsecond: 11, 4*step - 1: 9,
			4 * step: 9, 4*step + time.Microsecond: 8, 12 * step: 1, 12*step + time.Microsecond: 0} {
			got := must(s.Totals(t.Context(), hour.Add(since)))(t)
			if got.TotalRequests != want || got.TotalTokensUsed != want || got.ModelMetrics["m"].Requests != want || want > 0 && got.AvgExecutionTimeMS != 10 {
				t.Errorf("from %v on: %+v, want %d", since, got, want)
			}
		}
		must(s.Prune(t.Context(), hour.Add(4*step)))(t)
		if got := must(s.Totals(t.Context(), hour))(t); got.TotalRequests != 9 {
			t.Errorf("after the first hour was removed: %d, want 9", got.TotalRequests)
		}
	},
	"PruneRemovesWhatIsOlder": func(t *testing.T, s store.Store) {
		at := time.Now().Add(-time.Hour).Truncate(time.Microsecond)
		for i := range 600 {
			s.RecordExecution(study.Execution{RunID: fmt.Sprint(i), CreatedAt: at.Add(-time.Duration(1+i) * time.Microsecond)})
		}
		s.RecordExecution(study.Execution{RunID: "young", CreatedAt: at})
		flush(t, s)
		if n := must(s.Prune(t.Context(), at))(t); n != 600 {
			t.Errorf("%d removed, want 600", n)
		}
		same(t, texts(run, rows(s.Failures(t.Context(), store.Page{Limit: 9}))(t)), "young")
	},
	"TheExecutionOneOverTheBufferDropsTheOldest": func(t *testing.T, s store.Store) {
		for i := range 1025 {
			s.RecordExecution(study.Execution{RunID: fmt.Sprint(i), UserID: "ada"})
		}
		if n := s.ExecutionsDropped(); n != 1 {
			t.Errorf("%d dropped, want 1", n)
		}
		flush(t, s)
		if got := must(s.Totals(t.Context(), time.Time{}.Add(1)))(t); got.TotalRequests != 1024 {
			t.Errorf("%d written, want 1024", got.TotalRequests)
		}
		got := rows(s.Activity(t.Context(), "ada", store.Page{Limit: 1}))(t)
		same(t, texts(run, got), "1024")
	},
}
