package relay

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/stream/relay/internal/wire"
	"studysharper/app/study"
)

// Serve is the supervisor's end of a worker's relay. It gives the worker access to j over conn
// until the worker hangs up or ctx ends (nil), the worker sends a malformed frame
// (CodeMalformed), or it reads nothing for o.StallAfter (CodeUnavailable). Everything the worker
// sent before that is still handled, for up to a second after ctx ends. Then Serve closes conn,
// cancels the worker's readers and abandons its open runs (memory.Run.Abandon).
//
// It uses two goroutines. Nothing else waits for the worker: its readers' events stay in the
// journal until the connection has room for them.
func Serve(ctx context.Context, conn net.Conn, j *memory.Journal, o Options) error {
	bound := j.Options()
	if o.MaxReaders == 0 {
		o.MaxReaders = bound.MaxReaders
	}
	o.fill()
	l := &peer{o: o, journal: j, maxEvent: bound.MaxEventBytes, runs: map[uint64]*memory.Run{}, readers: map[uint64]*reader{}}
	l.out = wire.NewOutbox(conn, o.MaxQueuedBytes, o.StallAfter, l.answers)
	l.out.Put(&wire.Frame{
		Kind: wire.KindHello, Version: wire.Version, MaxEvent: uint64(bound.MaxEventBytes),
		MaxFrame: uint64(max(bound.MaxEventBytes+bound.MaxBatchBytes+32*bound.MaxEvents, stream.MaxRequestBytes) + wire.Slack),
	})
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now().Add(flushTimeout)) })
	defer stop()
	written := make(chan error, 1)
	go func() { written <- l.write(conn) }()
	err := l.serve(ctx, bufio.NewReader(conn))
	_ = conn.Close()
	l.out.Close()
	l.disconnect()
	if stalled := <-written; stalled != nil && ctx.Err() == nil {
		return stalled
	}
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
}

// flushTimeout limits how long the frames that a worker sent before it died are read.
const flushTimeout = time.Second

// peer is one worker's connection. It implements memory.Recoverer.
type peer struct {
	o        Options
	journal  *memory.Journal
	maxEvent int
	out      *wire.Outbox
	runs     map[uint64]*memory.Run // used by the reading goroutine only

	mu        sync.Mutex
	closed    bool
	readers   map[uint64]*reader
	cancelled int                            // cancelled readers that are still in ready
	ready     []*reader                      // readers to be polled, each at most once
	offers    []func() (stream.Orphan, bool) // orphans to send to the worker
}

// write sends until the outbox is closed or the worker stops reading, which is an error
// only if the worker has stalled.
func (l *peer) write(conn net.Conn) error {
	err := l.out.Run()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		_ = conn.Close()
		return study.Wrap(err, study.CodeUnavailable, "the worker has stopped reading frames")
	case err != nil:
		// The worker is gone, but what it had sent before is still handled.
		_ = conn.SetReadDeadline(time.Now().Add(flushTimeout))
	}
	return nil
}

func (l *peer) serve(ctx context.Context, r *bufio.Reader) error {
	limit := uint64(max(l.maxEvent, stream.MaxRequestBytes) + wire.Slack)
	if _, err := wire.ReadHello(r); err != nil {
		return err
	}
	l.journal.AddRecoverer(l)
	return wire.ReadEach(r, limit, l.o.UnknownFrame, func(f *wire.Frame) error {
		if err := l.handle(f); err != nil {
			return err
		}
		// A worker that sends requests faster than it reads answers is not read from until
		// it catches up. An error means that the worker is gone, which the next read
		// reports.
		_ = l.out.Admit(ctx, nil)
		return nil
	})
}

func (l *peer) handle(f *wire.Frame) error {
	switch f.Kind {
	case wire.KindBegin:
		return l.begin(f)
	case wire.KindAppend:
		l.append(f)
	case wire.KindClose:
		if w := l.runs[f.No]; w != nil {
			_ = w.Close() // the worker already knows whether the run was lost
			delete(l.runs, f.No)
		}
	case wire.KindSince:
		return l.since(f)
	case wire.KindCancel:
		l.cancel(f.No)
	case wire.KindDrop:
		l.answer(f.No, l.journal.Drop(context.Background(), f.Session.String()))
	default:
		return study.Errorf(study.CodeMalformed, "a relay frame of kind %d may not be sent by a worker", f.Kind)
	}
	return nil
}

// answer acknowledges or refuses the request no.
func (l *peer) answer(no uint64, err error) {
	if err != nil {
		l.out.Put(&wire.Frame{Kind: wire.KindFault, No: no, Fault: study.AsError(err)})
		return
	}
	l.out.Put(&wire.Frame{Kind: wire.KindDone, No: no})
}

func (l *peer) begin(f *wire.Frame) error {
	if l.runs[f.No] != nil {
		return study.Errorf(study.CodeMalformed, "a relay run has begun twice")
	}
	w, err := l.journal.Open(stream.RunInfo{
		Session: f.Session.String(), Run: f.Run.String(), Owner: f.Owner, Takeover: f.Takeover, Silent: f.Silent, Request: f.Request,
		OnLost: func(err error) { l.answer(f.No, err) },
	})
	if err == nil {
		l.runs[f.No] = w
	}
	l.answer(f.No, err)
	return nil
}

func (l *peer) append(f *wire.Frame) {
	w := l.runs[f.No]
	if w == nil {
		return // the run was lost, and the worker has not read that yet
	}
	err := w.Append(context.Background(), f.Event)
	switch {
	case err != nil:
		_ = w.Close()
	case !f.Event.Kind.Terminal():
		return
	}
	delete(l.runs, f.No)
	l.answer(f.No, err)
}

// disconnect abandons the worker's runs and cancels its readers.
func (l *peer) disconnect() {
	l.journal.RemoveRecoverer(l)
	for _, r := range l.runs {
		r.Abandon()
	}
	l.mu.Lock()
	readers := l.readers
	l.closed, l.ready, l.readers, l.offers = true, nil, nil, nil
	l.mu.Unlock()
	for _, w := range readers {
		w.Cancel()
	}
}
