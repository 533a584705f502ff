package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"studysharper/loadtest/measure"
	"studysharper/loadtest/pace"
)

func TestTheBarFitsATerminalOfEightyColumns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		sheet := measure.NewSheet()
		l := newLive(&out, pace.Plan{Duration: 2 * time.Second}, false, sheet, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 1900*time.Millisecond)
		defer cancel()
		for range 100_000 {
			sheet.Add(measure.Outcome{Took: 12345 * time.Millisecond})
		}
		l.bar(ctx)
		widest := ""
		for part := range strings.SplitSeq(out.String(), "\r") {
			if utf8.RuneCountInString(part) > utf8.RuneCountInString(widest) {
				widest = part
			}
		}
		if !strings.Contains(out.String(), "100000, 100000/s, 0 failed, p99 12") {
			t.Errorf("drew %q", out.String())
		}
		if n := utf8.RuneCountInString(widest); n > 79-len(", 1000 MB") {
			t.Errorf("%d columns: %q", n, widest)
		}
	})
}
