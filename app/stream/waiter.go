package stream

import (
	"context"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// waiter is a reader that waits for something behind its position. wake tells that
// poll may have it now.
type waiter struct {
	key   uuid.UUID
	run   uuid.UUID // of which it reads; the nil UUID = of all
	after study.Position
	owner string
	by    waker
	no    uint64 // the relay's number for it

	// Guarded by the lock of the Memory.
	in     *session // where it is registered; nil = nowhere
	index  int      // in in.waiting
	failed *study.Error
	noWait bool
	peek   bool
	done   bool

	// Guarded by the lock of the relay's end.
	queued, cancelled bool
}

// waker hears, outside of any lock, that a waiter of its own may have something.
type waker interface{ wake(*waiter) }

// due is what has to be called once the lock is released.
type due struct {
	woken  []*waiter
	lost   []*run
	offers []offer
}

func (d *due) settle() {
	for _, r := range d.lost {
		r.onLost(r.over)
	}
	for _, w := range d.woken {
		w.by.wake(w)
	}
	for _, o := range d.offers {
		o.to.offer(o.orphan)
	}
}

// withLock runs f under the lock, and after it what f found due.
func (m *Memory) withLock(f func(*due)) {
	var d due
	m.mu.Lock()
	f(&d)
	m.mu.Unlock()
	d.settle()
}

// register makes w wait for the session's next change.
func (s *session) register(w *waiter) {
	w.in, w.index = s, len(s.waiting)
	s.waiting = append(s.waiting, w)
}

// unregister takes w out.
func (s *session) unregister(w *waiter) {
	last := s.waiting[len(s.waiting)-1]
	last.index = w.index
	s.waiting[w.index] = last
	s.waiting[len(s.waiting)-1] = nil
	s.waiting = s.waiting[:len(s.waiting)-1]
	w.in = nil
}

// wakeAll lets every waiting reader look again.
func (s *session) wakeAll(d *due) {
	for _, w := range s.waiting {
		w.in = nil
	}
	d.woken = append(d.woken, s.waiting...)
	s.waiting = nil
}

// Await implements Awaiter. While it waits it holds under 200 bytes, its session aside, and no goroutine.
func (m *Memory) Await(q Query, deliver func(study.Batch, error)) (cancel func()) {
	key, run, err := q.Parse()
	if err != nil {
		deliver(study.Batch{}, err)
		return func() {}
	}
	w, err := m.newWaiter(key, run, q)
	if err != nil {
		deliver(study.Batch{}, err)
		return func() {}
	}
	w.by = &awaiting{m, deliver}
	w.by.wake(w)
	return func() { m.forget(w) }
}

// awaiting delivers to a callback.
type awaiting struct {
	memory  *Memory
	deliver func(study.Batch, error)
}

func (a *awaiting) wake(w *waiter) {
	if b, settled, err := a.memory.poll(w); settled {
		a.deliver(b, err)
	}
}

// newWaiter makes a waiter of a checked query, which counts from here to its
// settling or forget.
func (m *Memory) newWaiter(key, run uuid.UUID, q Query) (*waiter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stats.Readers >= m.o.MaxReaders {
		return nil, study.Errorf(study.CodeOverloaded, "too many streams are open")
	}
	m.stats.Readers++
	return &waiter{key: key, run: run, after: q.After, owner: q.Owner, noWait: q.NoWait, peek: q.Peek}, nil
}

// poll settles w, once, if there is something for it; else w is registered to be
// woken at the session's next change.
func (m *Memory) poll(w *waiter) (b study.Batch, settled bool, err error) {
	m.withLock(func(d *due) {
		if w.done {
			return
		}
		b, settled, err = m.look(w, d)
		if settled {
			w.done = true
			m.stats.Readers--
		}
	})
	return b, settled, err
}

func (m *Memory) look(w *waiter, d *due) (b study.Batch, settled bool, err error) {
	s := m.sessions[w.key]
	posted := s != nil && s.newest != nil
	switch {
	case w.failed != nil:
		return b, true, w.failed
	case !posted && m.issuedEpoch(w.after.Epoch), posted && w.owner != "" && w.owner != s.owner:
		return b, true, ErrGone
	case !posted && w.peek:
		return b, true, nil
	}
	if posted {
		of, known := s.spanOf(w.run)
		switch {
		case !known:
			return b, true, ErrNoRun
		case w.peek:
			return s.peek(w.after, of), true, nil
		}
		if b, settled = s.read(w.after, of, m.o.MaxBatchBytes); settled {
			m.updateLRU(s, true)
			return b, true, nil
		}
	}
	if w.noWait {
		return study.Batch{Next: s.idleNext(w.after)}, true, nil
	}
	if s, err = m.session(w.key, d); err != nil {
		return b, true, err
	}
	s.register(w)
	return b, false, nil
}

// idleNext is where a reader at p goes on from when there is nothing for it.
func (s *session) idleNext(p study.Position) study.Position {
	switch {
	case s == nil || s.newest == nil:
		return study.Position{}
	case p == study.Position{}:
		s.handed = s.head
		return study.Position{Epoch: s.epoch, Seq: s.head}
	default:
		return p
	}
}

// peek is what a reader at p may expect.
func (s *session) peek(p study.Position, of span) (b study.Batch) {
	after, missed, ok := s.resolve(p, of)
	b.Next = study.Position{Epoch: s.epoch, Seq: after}
	b.Missed = missed
	b.Ended = ok && missed == 0 && s.over(of, after)
	return b
}

// issuedEpoch reports whether an epoch was given to a session of this journal.
func (m *Memory) issuedEpoch(epoch uint64) bool { return epoch-m.o.Epoch < m.lives }

// forget ends the wait of w, if it still waits.
func (m *Memory) forget(w *waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.done {
		return
	}
	w.done = true
	m.stats.Readers--
	if s := w.in; s != nil {
		s.unregister(w)
		if s.newest == nil && len(s.waiting) == 0 {
			delete(m.sessions, s.key)
			m.stats.QueuedBytes -= sessionCost
		}
	}
}

// Since implements Journal.
func (m *Memory) Since(ctx context.Context, q Query) (study.Batch, error) {
	return Wait(ctx, m, q)
}

// Wait is Journal.Since on top of Await.
func Wait(ctx context.Context, a Awaiter, q Query) (study.Batch, error) {
	type answer struct {
		batch study.Batch
		err   error
	}
	answers := make(chan answer, 1)
	cancel := a.Await(q, func(b study.Batch, err error) { answers <- answer{b, err} })
	select {
	case got := <-answers:
		return got.batch, got.err
	case <-ctx.Done():
		cancel()
	}
	select {
	case got := <-answers: // what was given counts as read, so it is not thrown away
		return got.batch, got.err
	default:
		return study.Batch{}, waitEnded(ctx)
	}
}

// waitEnded is the error of a wait that ctx cut short.
func waitEnded(ctx context.Context) error {
	return study.Wrap(context.Cause(ctx), study.CodeUnavailable, "the wait for the journal was ended")
}
