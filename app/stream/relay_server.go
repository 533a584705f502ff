package stream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"studysharper/app/stream/internal/wire"
	"studysharper/app/study"
)

// ServeRelay is the supervisor's end of a worker's relay: it serves j over conn, a
// stream connection of its own, until the worker hangs up or ctx ends (nil), the
// worker sends what does not parse (CodeMalformed), or it takes nothing for
// o.StallAfter (CodeUnavailable). What the worker had sent before counts, also behind
// the end of ctx, for which there is a second. Then it closes conn and cancels the
// worker's readers. A run the worker had open becomes an Orphan for
// MemoryOptions.TakeoverWithin if nothing but progress has come and its request is
// kept, and was not repeated before; else it ends with an error event.
//
// It takes two goroutines in all. Nobody else ever waits for the worker: what its
// readers may have stays in the journal until the connection takes it.
func ServeRelay(ctx context.Context, conn net.Conn, j *Memory, o RelayOptions) error {
	if o.MaxReaders == 0 {
		o.MaxReaders = j.o.MaxReaders
	}
	o.fill()
	l := &relayPeer{
		journal: j, bound: o.MaxQueuedBytes, maxReaders: o.MaxReaders,
		runs: map[uint64]*run{}, readers: map[uint64]*waiter{},
	}
	l.out = wire.NewOutbox(conn, o.MaxQueuedBytes, o.StallAfter, l.answers)
	l.out.Put(&wire.Frame{
		Kind: wire.KindHello, Version: wire.Version, MaxEvent: uint64(j.o.MaxEventBytes),
		MaxFrame: uint64(max(j.o.MaxEventBytes+j.o.MaxBatchBytes+32*j.o.MaxEvents, MaxRequestBytes) + wire.Slack),
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

// flushTimeout is how long a worker that is gone is read on.
const flushTimeout = time.Second

// relayPeer is one worker's connection.
type relayPeer struct {
	journal    *Memory
	out        *wire.Outbox
	bound      int // bytes of batches to a Write
	maxReaders int
	runs       map[uint64]*run // the reading goroutine's alone

	mu        sync.Mutex
	closed    bool
	readers   map[uint64]*waiter
	cancelled int       // of the readers, those that have only to be taken out of ready
	ready     []*waiter // those to be polled, each at most once
	offers    []*run    // orphans to tell the worker of
}

// write sends until the outbox is closed or the worker takes no more, which is an
// error only when it has stalled.
func (l *relayPeer) write(conn net.Conn) error {
	err := l.out.Run()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		_ = conn.Close()
		return study.Wrap(err, study.CodeUnavailable, "a worker takes no more frames")
	case err != nil:
		// The worker is gone, yet what it had sent before still counts.
		_ = conn.SetReadDeadline(time.Now().Add(flushTimeout))
	}
	return nil
}

func (l *relayPeer) serve(ctx context.Context, r *bufio.Reader) error {
	limit := uint64(max(l.journal.o.MaxEventBytes, MaxRequestBytes) + wire.Slack)
	if _, err := wire.ReadHello(r); err != nil {
		return err
	}
	l.journal.connect(l)
	for {
		kind, body, err := wire.Read(r, limit)
		if err != nil {
			return err
		}
		f, known, err := wire.Parse(kind, body)
		if err != nil {
			return err
		}
		if !known {
			l.journal.ignoredFrames.Add(1)
			continue
		}
		if err := l.handle(&f); err != nil {
			return err
		}
		// A worker that asks faster than it takes answers is not read any further
		// for now. An error is no more than that it is gone, as Read will say in time.
		_ = l.out.Admit(ctx, nil)
	}
}

func (l *relayPeer) handle(f *wire.Frame) error {
	switch f.Kind {
	case wire.KindBegin:
		return l.begin(f)
	case wire.KindAppend:
		l.append(f)
	case wire.KindClose:
		if w := l.runs[f.No]; w != nil {
			_ = w.Close() // the worker knows already whether the run was lost
			delete(l.runs, f.No)
		}
	case wire.KindSince:
		return l.since(f)
	case wire.KindCancel:
		l.cancel(f.No)
	case wire.KindDrop:
		l.answer(f.No, l.journal.Drop(context.Background(), f.Session.String()))
	default:
		return study.Errorf(study.CodeMalformed, "a relay frame of kind %d is not a worker's to send", f.Kind)
	}
	return nil
}

// answer acknowledges or refuses what no asked for.
func (l *relayPeer) answer(no uint64, err error) {
	if err != nil {
		l.out.Put(&wire.Frame{Kind: wire.KindFault, No: no, Fault: study.AsError(err)})
		return
	}
	l.out.Put(&wire.Frame{Kind: wire.KindDone, No: no})
}

func (l *relayPeer) begin(f *wire.Frame) error {
	if l.runs[f.No] != nil {
		return study.Errorf(study.CodeMalformed, "a relay run has begun twice")
	}
	w, err := l.journal.open(RunInfo{
		Session: f.Session.String(), Run: f.Run.String(), Owner: f.Owner, Takeover: f.Repeat, Silent: f.Silent, Request: f.Request,
		OnLost: func(err error) { l.answer(f.No, err) },
	})
	if err == nil {
		l.runs[f.No] = w
	}
	l.answer(f.No, err)
	return nil
}

func (l *relayPeer) append(f *wire.Frame) {
	w := l.runs[f.No]
	if w == nil {
		return // the run was lost, and the worker has yet to read of it
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

func (l *relayPeer) since(f *wire.Frame) error {
	l.mu.Lock()
	n := len(l.readers)
	twice, full := l.readers[f.No] != nil, n-l.cancelled >= l.maxReaders || n >= 2*l.maxReaders
	l.mu.Unlock()
	if twice {
		return study.Errorf(study.CodeMalformed, "a relay reader asked twice")
	}
	if full {
		l.answer(f.No, study.Errorf(study.CodeOverloaded, "too many streams are open"))
		return nil
	}
	w, err := l.journal.newWaiter(f.Session, f.Run, Query{After: f.After, Owner: f.Owner, NoWait: f.NoWait, Peek: f.Peek})
	if err != nil {
		l.answer(f.No, err)
		return nil
	}
	w.by, w.no = l, f.No
	l.mu.Lock()
	l.readers[f.No] = w
	l.mu.Unlock()
	l.wake(w)
	return nil
}

// wake implements waker: w is polled as soon as the connection takes its answer.
func (l *relayPeer) wake(w *waiter) {
	l.mu.Lock()
	queued := w.queued || l.closed
	if !queued {
		w.queued = true
		l.ready = append(l.ready, w)
	}
	l.mu.Unlock()
	if !queued {
		l.out.Signal()
	}
}

// answers appends offers and the batches of ready readers up to the outbox's bound.
func (l *relayPeer) answers(dst []byte) []byte {
	dst = l.offering(dst)
	for len(dst) < l.bound {
		w := l.nextReady()
		if w == nil {
			return dst
		}
		b, settled, err := l.journal.poll(w)
		if !settled {
			continue // nothing for it after all, or cancelled
		}
		l.mu.Lock()
		delete(l.readers, w.no)
		l.mu.Unlock()
		f := &wire.Frame{Kind: wire.KindBatch, No: w.no, Batch: b}
		if err != nil {
			f = &wire.Frame{Kind: wire.KindFault, No: w.no, Fault: study.AsError(err)}
		}
		dst = f.AppendTo(dst)
	}
	l.out.Signal()
	return dst
}

func (l *relayPeer) nextReady() *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ready) > 0 {
		w := l.ready[0]
		l.ready[0] = nil
		l.ready = l.ready[1:]
		w.queued = false
		if !w.cancelled {
			return w
		}
		delete(l.readers, w.no)
		l.cancelled--
	}
	l.ready = nil // give back what a burst took
	return nil
}

func (l *relayPeer) cancel(no uint64) {
	l.mu.Lock()
	w := l.readers[no]
	switch {
	case w == nil || w.cancelled:
		w = nil
	case w.queued: // it stays among the readers, whose bound is the queue's too
		w.cancelled = true
		l.cancelled++
	default:
		delete(l.readers, no)
	}
	l.mu.Unlock()
	if w != nil {
		l.journal.forget(w)
	}
}

// disconnect gives up what the worker had open.
func (l *relayPeer) disconnect() {
	l.journal.disconnect(l)
	for _, r := range l.runs {
		l.journal.abandon(r)
	}
	l.mu.Lock()
	readers := l.readers
	l.closed, l.ready, l.readers, l.offers = true, nil, nil, nil
	l.mu.Unlock()
	for _, w := range readers {
		l.journal.forget(w)
	}
}
