package failover

import (
	"sync"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// found is a journal's answer about a session.
type found struct {
	batch study.Batch
	err   error
}

func (a found) known() bool { return a.err == nil && a.batch.Next != (study.Position{}) }

// route is a wait whose journal has yet to be determined.
type route struct {
	*Journal
	q       stream.Query
	deliver func(study.Batch, error)

	mu      sync.Mutex
	over    bool
	cancels []func()
	missing int // number of journals that have reported the session missing
}

// Await implements stream.Awaiter. A reader with a position in Shared stays there. For any other, it asks both journals
// for the session's newest run. Run ids are UUIDs v7, so the greater id is the later run.
func (f *Journal) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	if q.After.Epoch >= stream.SharedEpoch && !q.Peek && !q.NoWait {
		return f.o.Shared.Await(q, deliver)
	}
	r := &route{Journal: f, q: q, deliver: deliver}
	r.peek(f.o.Local, func(local found) {
		if !f.o.Up() {
			r.choose(local, found{})
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

// peek asks one of the journals about the session.
func (r *route) peek(to stream.Keeper, heard func(found)) {
	q := r.q
	q.NoWait, q.Peek = false, true
	r.start(to, q, func(b study.Batch, err error) { heard(found{b, err}) })
}

func (r *route) choose(local, shared found) {
	switch {
	case shared.known() && (!local.known() || shared.batch.Run > local.batch.Run):
		r.use(r.o.Shared, shared, r.onShared)
	case local.known():
		r.use(r.o.Local, local, r.settle)
	case local.err != nil:
		r.settle(study.Batch{}, local.err)
	case shared.err != nil && !isAway(shared.err):
		r.settle(study.Batch{}, shared.err)
	case r.q.Peek, r.q.NoWait:
		r.settle(study.Batch{}, nil)
	default:
		for _, by := range []stream.Keeper{r.o.Shared, r.o.Local} {
			r.start(by, r.q, func(b study.Batch, err error) { r.onEither(by, b, err) })
		}
	}
}

// use answers from the journal that has the newest run.
func (r *route) use(by stream.Keeper, a found, heard func(study.Batch, error)) {
	if r.q.Peek {
		r.settle(a.batch, nil)
		return
	}
	r.start(by, r.q, heard)
}

// onShared handles the answer of Shared. If Shared no longer has the session, Local may have it, because Shared may
// have become unreachable while a run was beginning there.
func (r *route) onShared(b study.Batch, err error) {
	if !isMissing(err) {
		r.settle(b, err)
		return
	}
	r.peek(r.o.Local, func(local found) {
		if local.known() {
			r.start(r.o.Local, r.q, r.settle)
		} else {
			r.settle(b, err)
		}
	})
}

// onEither handles an answer about a session that neither journal had. A session that one journal has dropped may begin
// in the other.
func (r *route) onEither(by stream.Keeper, b study.Batch, err error) {
	if !isMissing(err) {
		r.settle(b, err)
		return
	}
	r.mu.Lock()
	r.missing++
	both := r.missing == 2
	r.mu.Unlock()
	if both {
		r.settle(b, err)
		return
	}
	r.peek(by, func(a found) {
		if a.err != nil && !isAway(a.err) { // the session belongs to another user
			r.settle(study.Batch{}, a.err)
		}
	})
}

// settle delivers the first answer, and cancels the other waits.
func (r *route) settle(b study.Batch, err error) {
	if r.end() {
		r.deliver(b, err)
	}
}

func (r *route) cancel() { r.end() }

// end ends the wait, and reports whether it was the first to do so.
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
