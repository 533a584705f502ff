package main

import (
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	logQueue = 4096                   // lines that may wait for a reader of the log
	logFlush = 500 * time.Millisecond // how long an ending process waits for one
)

// newLogger makes the process's logger: LOG_FORMAT to standard error, from
// LOG_LEVEL up. Nobody who logs ever waits: see logWriter. flush is to be called
// once, at the end of the process.
func newLogger(c Config) (log *slog.Logger, flush func()) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	w := newLogWriter(os.Stderr)
	go w.run()
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), w.flush
	}
	return slog.New(slog.NewTextHandler(w, options)), w.flush
}

// logWriter keeps a reader of the log that has stopped reading from stopping the
// service: lines wait in a bounded queue, and above that they are dropped and counted.
type logWriter struct {
	out     io.Writer
	lines   chan []byte
	ended   chan struct{}
	end     sync.Once
	dropped atomic.Uint64
}

func newLogWriter(out io.Writer) *logWriter {
	return &logWriter{out: out, lines: make(chan []byte, logQueue), ended: make(chan struct{})}
}

// Write takes one line; it never blocks and never fails.
func (w *logWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

// run writes the lines until flush.
func (w *logWriter) run() {
	defer close(w.ended)
	for line := range w.lines {
		if line == nil {
			return
		}
		if n := w.dropped.Swap(0); n > 0 {
			slog.New(slog.NewTextHandler(w.out, nil)).Warn("log lines dropped: nobody read them", "lines", n)
		}
		_, _ = w.out.Write(line) // there is nobody to tell
	}
}

// flush waits until what was logged so far is written, for logFlush at most.
func (w *logWriter) flush() {
	w.end.Do(func() {
		select {
		case w.lines <- nil:
		default: // the queue is full: nobody reads
		}
	})
	select {
	case <-w.ended:
	case <-time.After(logFlush):
	}
}
