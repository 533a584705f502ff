package metrics_test

import (
	"log/slog"
	"strings"
	"testing"

	"studysharper/app/metrics"
	"studysharper/app/shm"
	"studysharper/app/study"
	"studysharper/app/text"
)

func TestACallOfTheModelIsCountedByHowItCameOut(t *testing.T) {
	b := metrics.NewBoard(shm.Local(metrics.BoardSize))
	index, _ := b.Claim(0, 1)
	observe := metrics.ObserveCalls(b.Worker(index))
	for code, want := range map[study.Code]metrics.Counter{
		study.CodeUpstreamFailed: metrics.UpstreamFailed, study.CodeWithheld: metrics.UpstreamFailed, study.CodeUpstreamTimeout: metrics.UpstreamTimeout,
		study.CodeUpstreamUnavailable: metrics.UpstreamUnavailable, study.CodeTimeout: metrics.UpstreamCancelled, study.CodeUnavailable: metrics.UpstreamCancelled,
	} {
		before := b.Snapshot().Total(want)
		observe(1, -5, study.Errorf(code, "x"))
		if after := b.Snapshot().Total(want); after != before+1 {
			t.Errorf("%s is not counted as it should be", code)
		}
	}
	observe(1, 7, nil)
	if s := b.Snapshot(); s.Total(metrics.UpstreamOK) != 1 || s.Total(metrics.UpstreamTokens) != 7 || s.Distribution(metrics.UpstreamCalls).Count() != 7 {
		t.Errorf("%d calls, %d tokens", s.Total(metrics.UpstreamOK), s.Total(metrics.UpstreamTokens))
	}
}

func TestPanicsOnTextsAreCountedAndLoggedOnceForEachPlace(t *testing.T) {
	b := metrics.NewBoard(shm.Local(metrics.BoardSize))
	index, _ := b.Claim(0, 1)
	var out strings.Builder
	observe := metrics.ObserveTextPanics(b.Worker(index), slog.New(slog.NewTextHandler(&out, nil)))
	for _, place := range []string{"text.clauseStart (naming.go:1)", "text.clauseStart (naming.go:1)", "text.plain (section.go:2)"} {
		observe(text.Panic{Type: "runtime.boundsError", Place: place})
	}
	if n := b.Snapshot().Total(metrics.TextPanics); n != 3 || strings.Count(out.String(), "\n") != 2 || strings.Count(out.String(), "naming.go:1") != 1 || !strings.Contains(out.String(), "type=runtime.boundsError") {
		t.Errorf("%d counted, logged\n%s", n, &out)
	}
}
