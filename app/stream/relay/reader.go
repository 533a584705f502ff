package relay

import (
	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/stream/relay/internal/wire"
	"studysharper/app/study"
)

// reader is a wait on behalf of the worker.
type reader struct {
	memory.Waiter
	peer *peer
	no   uint64 // the worker's number for it

	// Guarded by the lock of the peer.
	queued, cancelled bool
}

func (l *peer) since(f *wire.Frame) error {
	l.mu.Lock()
	n := len(l.readers)
	twice, full := l.readers[f.No] != nil, n-l.cancelled >= l.o.MaxReaders || n >= 2*l.o.MaxReaders
	l.mu.Unlock()
	if twice {
		return study.Errorf(study.CodeMalformed, "a relay reader was registered twice")
	}
	if full {
		l.answer(f.No, study.Errorf(study.CodeOverloaded, "too many streams are open"))
		return nil
	}
	r := &reader{peer: l, no: f.No}
	q := stream.Query{After: f.After, Owner: f.Owner, NoWait: f.NoWait, Peek: f.Peek}
	if err := l.journal.Watch(&r.Waiter, f.Session, f.Run, q, r); err != nil {
		l.answer(f.No, err)
		return nil
	}
	l.mu.Lock()
	l.readers[f.No] = r
	l.mu.Unlock()
	r.Wake()
	return nil
}

// Wake implements memory.Waker: it queues the reader to be polled as soon as the connection has room for its answer.
func (r *reader) Wake() {
	l := r.peer
	l.mu.Lock()
	queued := r.queued || l.closed
	if !queued {
		r.queued = true
		l.ready = append(l.ready, r)
	}
	l.mu.Unlock()
	if !queued {
		l.out.Signal()
	}
}

// Offer implements memory.Recoverer: it queues an orphan to be offered to the worker as soon as the connection has
// room.
func (l *peer) Offer(describe func() (stream.Orphan, bool)) {
	l.mu.Lock()
	if !l.closed {
		l.offers = append(l.offers, describe)
	}
	l.mu.Unlock()
	l.out.Signal()
}

// appendOffers appends offers up to the outbox's bound.
func (l *peer) appendOffers(dst []byte) []byte {
	for len(dst) < l.o.MaxQueuedBytes {
		l.mu.Lock()
		if len(l.offers) == 0 {
			l.offers = nil // free what a burst needed
			l.mu.Unlock()
			return dst
		}
		describe := l.offers[0]
		l.offers = l.offers[1:]
		l.mu.Unlock()
		if o, waiting := describe(); waiting {
			f := wire.Frame{Kind: wire.KindOrphan, Session: uuid.MustParse(o.Session), Run: uuid.MustParse(o.Run), Owner: o.Owner, Request: o.Request}
			dst = f.AppendTo(dst)
		}
	}
	return dst
}

// answers appends offers and the batches of ready readers up to the outbox's bound.
func (l *peer) answers(dst []byte) []byte {
	dst = l.appendOffers(dst)
	for len(dst) < l.o.MaxQueuedBytes {
		r := l.nextReady()
		if r == nil {
			return dst
		}
		b, settled, err := r.Poll()
		if !settled {
			continue // nothing for it yet, or cancelled
		}
		l.mu.Lock()
		delete(l.readers, r.no)
		l.mu.Unlock()
		f := &wire.Frame{Kind: wire.KindBatch, No: r.no, Batch: b}
		if err != nil {
			f = &wire.Frame{Kind: wire.KindFault, No: r.no, Fault: study.AsError(err)}
		}
		dst = f.AppendTo(dst)
	}
	l.out.Signal()
	return dst
}

func (l *peer) nextReady() *reader {
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
	l.ready = nil // free what a burst needed
	return nil
}

func (l *peer) cancel(no uint64) {
	l.mu.Lock()
	w := l.readers[no]
	switch {
	case w == nil || w.cancelled:
		w = nil
	case w.queued: // it stays in readers, whose bound is also that of ready
		w.cancelled = true
		l.cancelled++
	default:
		delete(l.readers, no)
	}
	l.mu.Unlock()
	if w != nil {
		w.Cancel()
	}
}
