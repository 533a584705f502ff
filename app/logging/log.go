// Package logging makes a process's logger. Its one idea: a caller never waits, and lines that nobody reads in time are
// dropped and counted.
package logging

import (
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	logQueue = 4096                   // lines that may wait for a reader of the log
	logFlush = 500 * time.Millisecond // how long an ending process waits for one

	// Lines that come within logGather are written together, for each write wakes the process that
	// reads the log; but no more than a pipe takes in one piece, since all processes write
	// to the same one (PIPE_BUF, pipe(7)).
	logGather = 5 * time.Millisecond
	logWrite  = 4096 // bytes
)

// New makes the process's logger: lines in a format (LOG_FORMAT) to standard error, from
// a level (LOG_LEVEL) up. Nobody who logs ever waits: see logWriter. Nor does the process end
// when the reader of its log does, as one that writes to a closed pipe would (SIGPIPE).
// flush is to be called once, at the end of the process.
func New(format, lowest string) (log *slog.Logger, flush func()) {
	signal.Ignore(syscall.SIGPIPE)
	var level slog.Level
	if err := level.UnmarshalText([]byte(lowest)); err != nil {
		level = slog.LevelInfo
	}
	w := newLogWriter(os.Stderr)
	go w.Run()
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), w.Flush
	}
	return slog.New(slog.NewTextHandler(w, options)), w.Flush
}

// logWriter keeps a reader of the log that has stopped reading from stopping the
// service: lines wait in a bounded queue, and above that they are dropped and counted.
type logWriter struct {
	out     io.Writer
	Lines   chan []byte
	ended   chan struct{}
	end     sync.Once
	dropped atomic.Uint64
}

func newLogWriter(out io.Writer) *logWriter {
	return &logWriter{out: out, Lines: make(chan []byte, logQueue), ended: make(chan struct{})}
}

// Write takes one line; it never blocks and never fails.
func (w *logWriter) Write(line []byte) (int, error) {
	select {
	case w.Lines <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

// Run writes the lines until flush.
func (w *logWriter) Run() {
	defer close(w.ended)
	text := make([]byte, 0, logWrite)
	for ended := false; !ended; {
		if ended = w.take(&text, <-w.Lines); !ended {
			time.Sleep(logGather)
			ended = w.gather(&text)
		}
		w.put(&text)
	}
}

// gather takes what waits by now, and reports whether the end was among it.
func (w *logWriter) gather(text *[]byte) (ended bool) {
	for {
		select {
		case line := <-w.Lines:
			if w.take(text, line) {
				return true
			}
		default:
			return false
		}
	}
}

// take adds a line to the text, written first where both are too long for one write. It
// reports whether the line is the end.
func (w *logWriter) take(text *[]byte, line []byte) (ended bool) {
	if line == nil {
		return true
	}
	if len(*text)+len(line) > logWrite {
		w.put(text)
	}
	*text = append(*text, line...)
	return false
}

// put writes the text, and how many lines are missing before it.
func (w *logWriter) put(text *[]byte) {
	if n := w.dropped.Swap(0); n > 0 {
		slog.New(slog.NewTextHandler(w.out, nil)).Warn("log lines dropped: log reader too slow", "lines", n)
	}
	if len(*text) > 0 {
		_, _ = w.out.Write(*text) // there is nobody to tell
	}
	*text = (*text)[:0]
}

// Flush waits until what was logged so far is written, for logFlush at most.
func (w *logWriter) Flush() {
	w.end.Do(func() {
		select {
		case w.Lines <- nil:
		default: // the queue is full: nobody reads
		}
	})
	select {
	case <-w.ended:
	case <-time.After(logFlush):
	}
}
