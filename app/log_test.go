package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"studysharper/app/logging"
	"syscall"
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
		w := logging.NewLogWriter(out)
		go w.Run()
		for i := range logging.LogQueue + 11 {
			_, _ = fmt.Fprintf(w, "line %d\n", i)
			if i == 0 {
				time.Sleep(2 * logging.LogGather) // the first line is out of the queue and stuck
			}
		}
		close(out.release)
		time.Sleep(2 * logging.LogGather)
		_, _ = w.Write([]byte("the last\n"))
		w.Flush()
		got := out.String()
		if !strings.Contains(got, "lines=10") || strings.Count(got, "line ") < logging.LogQueue || !strings.HasSuffix(got, "the last\n") {
			t.Errorf("%d lines; end: %q", strings.Count(got, "line "), got[max(0, len(got)-200):])
		}
	})
}

// writes keeps each write apart.
type writes struct{ each []string }

func (w *writes) Write(p []byte) (int, error) {
	w.each = append(w.each, string(p))
	return len(p), nil
}

func TestLinesThatComeTogetherAreWrittenTogetherAsFarAsAPipeTakesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &writes{}
		w := logging.NewLogWriter(out)
		go w.Run()
		half, long := strings.Repeat("h", logging.LogWrite/2-1)+"\n", strings.Repeat("l", 2*logging.LogWrite)+"\n"
		for _, line := range []string{"a\n", "b\n", half, half, "c\n", long, "d\n"} {
			_, _ = w.Write([]byte(line))
		}
		time.Sleep(2 * logging.LogGather)
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
		w := logging.NewLogWriter(out)
		go w.Run()
		for range logging.LogQueue + 2 {
			_, _ = w.Write([]byte("line\n"))
		}
		w.Flush()
		w.Flush()
		close(out.release)
		synctest.Wait()
		close(w.Lines)
	})
}

func TestALogWhoseReaderHasLeftEndsNoProcess(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := program(t, []string{"HOST=127.0.0.1", "PORT=0", "WEB_CONCURRENCY=1"}, "serve")
	cmd.Stderr = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	write.Close()
	said := ""
	for lines := bufio.NewScanner(read); !strings.Contains(said, "Worker ready") && lines.Scan(); {
		said += lines.Text() + "\n"
	}
	read.Close()
	_, rest, _ := strings.Cut(said, "Listening at: ")
	url, _, _ := strings.Cut(rest, " ")
	for range 20 { // each is a line of the worker's log, and a signal one of the supervisor's
		_ = cmd.Process.Signal(syscall.SIGUSR1)
		res, err := http.Get(url + "/api/notes?user_id=ada")
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
		time.Sleep(2 * logging.LogGather)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
