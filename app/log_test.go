package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
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
		go w.run()
		for i := range logQueue + 11 {
			_, _ = fmt.Fprintf(w, "line %d\n", i)
			if i == 0 {
				synctest.Wait() // the first line is out of the queue and stuck
			}
		}
		close(out.release)
		synctest.Wait()
		_, _ = w.Write([]byte("the last\n"))
		w.flush()
		got := out.String()
		if !strings.Contains(got, "lines=10") || strings.Count(got, "line ") < logQueue || !strings.HasSuffix(got, "the last\n") {
			t.Errorf("%d lines; end: %q", strings.Count(got, "line "), got[max(0, len(got)-200):])
		}
	})
}

func TestFlushDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{release: make(chan struct{})}
		w := newLogWriter(out)
		go w.run()
		for range logQueue + 2 {
			_, _ = w.Write([]byte("line\n"))
		}
		w.flush()
		w.flush()
		close(out.release)
		synctest.Wait()
		close(w.lines)
	})
}
