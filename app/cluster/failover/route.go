package failover

import (
	"sync"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// found is what a journal says of a session.
type found struct {
	batch study.Batch
	err   error
}

func (a found) known() bool { return a.err == nil && a.batch.Next != (study.Position{}) }

// route is a wait for which the journal must be found.
type route struct {
	*Journal
	q       stream.Query
	deliver func(study.Batch, error)

	mu      sync.Mutex
	over    bool
	cancels []func()
}

// Await implements stream.Awaiter. A reader with a position of Shared stays there. For others both journals are asked which of
// them has the session's newest run: ids of runs are UUIDs v7, so the later one is the greater. If neither knows the session, the
// reader waits where its run would begin now; should that change, the run's record answers.
func (f *Journal) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	if q.After.Epoch >= stream.SharedEpoch && !q.Peek && !q.NoWait {
		return f.o.Shared.Await(q, deliver)
	}
	r := &route{Journal: f, q: q, deliver: deliver}
	r.peek(f.o.Local, func(local found) {
		if !f.o.Up() {
			r.choose(local, found{err: study.Errorf(study.CodeUnavailable, "Shared is away")})
			return
		}
		r.peek(f.o.Shared, func(shared found) { r.choose(local, shared) })
	})
	return r.cancel
}

// start sends a query to one of the journals unless the wait is over.
func (r *route) start(to stream.Keeper, q stream.Query, heard func(study.Batch, error)) {
	r.mu.Lock()
	over := r.over
	r.mu.Unlock()
	if over {
		return
	}
	cancel := to.Await(q, heard)
	r.mu.Lock()
	over = r.over
	r.cancels = append(r.cancels, cancel)
	r.mu.Unlock()
	if over {
		cancel()
	}
}

// peek asks one of the journals what it knows of the session.
func (r *route) peek(to stream.Keeper, heard func(found)) {
	q := r.q
	q.NoWait, q.Peek = false, true
	r.start(to, q, func(b study.Batch, err error) { heard(found{b, err}) })
}

func (r *route) choose(local, shared found) {
	switch {
	case shared.known() && (!local.known() || shared.batch.Run > local.batch.Run):
		r.use(r.o.Shared, shared)
	case local.known():
		r.use(r.o.Local, local)
	case local.err != nil:
		r.settle(study.Batch{}, local.err)
	case shared.err != nil && !isAway(shared.err):
		r.settle(study.Batch{}, shared.err)
	case r.q.Peek, r.q.NoWait:
		r.settle(study.Batch{}, nil)
	case shared.err != nil:
		r.start(r.o.Local, r.q, r.settle)
	default:
		r.start(r.o.Shared, r.q, r.settle)
	}
}

// use answers from the journal that has the newest run.
func (r *route) use(by stream.Keeper, a found) {
	if r.q.Peek {
		r.settle(a.batch, nil)
		return
	}
	r.start(by, r.q, r.settle)
}

// settle delivers the answer.
func (r *route) settle(b study.Batch, err error) {
	if r.end() {
		r.deliver(b, err)
	}
}

func (r *route) cancel() { r.end() }

// end ends the wait, once.
func (r *route) end() (first bool) {
	r.mu.Lock()
	first = !r.over
	r.over = true
	cancels := r.cancels
	r.cancels = nil
	r.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
	return first
}
