// Package logging makes a process's logger. A caller never waits: lines that are not read in time are dropped and
// counted.
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
	logQueue = 4096                   // lines that may wait for the log's reader
	logFlush = 500 * time.Millisecond // how long an ending process waits for the reader

	// Lines within logGather are written together, because each write wakes the process that reads the log. A write is
	// no longer than what a pipe accepts atomically, because all processes write to the same one (PIPE_BUF, pipe(7)).
	logGather = 5 * time.Millisecond
	logWrite  = 4096 // bytes
)

// New makes the process's logger: it writes lines in a format (LOG_FORMAT), from a level (LOG_LEVEL) up, to standard
// error. Logging never blocks; see logWriter. The process does not end when the log's reader ends, as writing to a
// closed pipe would make it (SIGPIPE). flush must be called once, at the end of the process.
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

// logWriter keeps the service running when the log's reader stops reading: lines wait in a bounded queue, and further
// lines are dropped and counted.
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

// Write queues one line. It never blocks and never fails.
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
		if ended = w.addLine(&text, <-w.Lines); !ended {
			time.Sleep(logGather)
			ended = w.gather(&text)
		}
		w.writeText(&text)
	}
}

// gather adds all waiting lines to the text, and reports whether the end was among them.
func (w *logWriter) gather(text *[]byte) (ended bool) {
	for {
		select {
		case line := <-w.Lines:
			if w.addLine(text, line) {
				return true
			}
		default:
			return false
		}
	}
}

// addLine adds a line to the text. If both are too long for one write, it writes the text first. It reports whether the
// line is the end.
func (w *logWriter) addLine(text *[]byte, line []byte) (ended bool) {
	if line == nil {
		return true
	}
	if len(*text)+len(line) > logWrite {
		w.writeText(text)
	}
	*text = append(*text, line...)
	return false
}

// writeText writes the text, after a line with the number of dropped lines, if any.
func (w *logWriter) writeText(text *[]byte) {
	if n := w.dropped.Swap(0); n > 0 {
		slog.New(slog.NewTextHandler(w.out, nil)).Warn("log lines dropped: log reader too slow", "lines", n)
	}
	if len(*text) > 0 {
		_, _ = w.out.Write(*text) // an error cannot be reported anywhere
	}
	*text = (*text)[:0]
}

// Flush waits until everything logged so far is written, for up to logFlush.
func (w *logWriter) Flush() {
	w.end.Do(func() {
		select {
		case w.Lines <- nil:
		default: // the queue is full: nothing reads it
		}
	})
	select {
	case <-w.ended:
	case <-time.After(logFlush):
	}
}
