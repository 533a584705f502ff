package process

import (
	"log/slog"
	"strings"
	"testing"

	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
	"studysharper/app/text"
)

func TestPanicsOnTextsAreCountedAndLoggedOnceForEachPlace(t *testing.T) {
	b := metrics.NewBoard(shm.Local(metrics.BoardSize))
	index, _ := b.Claim(0, 1)
	var out strings.Builder
	observe := countTextPanics(b.Worker(index), slog.New(slog.NewTextHandler(&out, nil)))
	for _, place := range []string{"text.clauseStart (naming.go:1)", "text.clauseStart (naming.go:1)", "text.plain (section.go:2)"} {
		observe(text.Panic{Type: "runtime.boundsError", Place: place})
	}
	if n := b.Snapshot().Total(metrics.TextPanics); n != 3 || strings.Count(out.String(), "\n") != 2 || strings.Count(out.String(), "naming.go:1") != 1 || !strings.Contains(out.String(), "type=runtime.boundsError") {
		t.Errorf("%d counted, logged\n%s", n, &out)
	}
}
