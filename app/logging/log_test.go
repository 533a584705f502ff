package logging

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a reader of the log that does not read until it is released.
type stuck struct {
	release chan struct{}
	bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.release
	return s.Buffer.Write(p)
}

func TestALogThatNobodyReadsHoldsNobodyUpAndCountsWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{release: make(chan struct{})}
		w := newLogWriter(out)
		go w.Run()
		for i := range logQueue + 11 {
			_, _ = fmt.Fprintf(w, "line %d\n", i)
			if i == 0 {
				time.Sleep(2 * logGather) // the first line is out of the queue and stuck
			}
		}
		close(out.release)
		time.Sleep(2 * logGather)
		_, _ = w.Write([]byte("the last\n"))
		w.Flush()
		got := out.String()
		if !strings.Contains(got, "lines=10") || strings.Count(got, "line ") < logQueue || !strings.HasSuffix(got, "the last\n") {
			t.Errorf("%d lines; end: %q", strings.Count(got, "line "), got[max(0, len(got)-200):])
		}
	})
}

// writes records each write separately.
type writes struct{ each []string }

func (w *writes) Write(p []byte) (int, error) {
	w.each = append(w.each, string(p))
	return len(p), nil
}

func TestLinesThatComeTogetherAreWrittenTogetherAsFarAsAPipeTakesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &writes{}
		w := newLogWriter(out)
		go w.Run()
		half, long := strings.Repeat("h", logWrite/2-1)+"\n", strings.Repeat("l", 2*logWrite)+"\n"
		for _, line := range []string{"a\n", "b\n", half, half, "c\n", long, "d\n"} {
			_, _ = w.Write([]byte(line))
		}
		time.Sleep(2 * logGather)
		_, _ = w.Write([]byte("e\n"))
		w.Flush()
		if want := []string{"a\nb\n" + half, half + "c\n", long, "d\n", "e\n"}; !slices.Equal(out.each, want) {
			t.Errorf("%d writes: %.40q, want %.40q", len(out.each), out.each, want)
		}
	})
}

func TestFlushDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{release: make(chan struct{})}
		w := newLogWriter(out)
		go w.Run()
		for range logQueue + 2 {
			_, _ = w.Write([]byte("line\n"))
		}
		w.Flush()
		w.Flush()
		close(out.release)
		synctest.Wait()
		close(w.Lines)
	})
}
