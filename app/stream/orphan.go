package stream

import (
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream/internal/wire"
)

// Orphan is an open run whose worker died before it had sent anything but progress:
// who takes it over (RunInfo.Takeover) makes it again, and its readers wait for that.
type Orphan struct {
	Session string
	Run     string
	Owner   string
	Request []byte // as the dead worker gave it to Begin
}

// offer is an orphan on its way to a worker.
type offer struct {
	to     *relayPeer
	orphan *run
}

// retainRequest keeps what it takes to make r again, if it may. All requests together have a
// quarter of MaxBytes, for unlike events they cannot be dropped to make room.
func (m *Memory) retainRequest(r *run, request []byte, d *due) {
	n := int64(len(request))
	if n == 0 || n > MaxRequestBytes || m.requests+n > m.o.MaxBytes/4 || !m.makeRoom(n, d) {
		return
	}
	r.request = request
	m.requests += n
	m.stats.QueuedBytes += n
}

func (m *Memory) forgetRequest(r *run) {
	n := int64(len(r.request))
	m.requests -= n
	m.stats.QueuedBytes -= n
	r.request = nil
}

// abandon takes r from its writer, who is dead: it becomes an orphan if it can be
// rerun, else it ends with an error event.
func (m *Memory) abandon(r *run) {
	m.withLock(func(d *due) {
		switch {
		case r.over != nil:
		case r.silent:
			m.closed(r, ErrBroke)
		case r.request == nil || m.stopped:
			m.interrupt(r, ErrBroke, d)
		default:
			m.orphan(r, d)
		}
	})
}

// orphan puts a run without a writer into the place of r and offers it to all
// workers. Its old writer can do nothing any more.
func (m *Memory) orphan(r *run, d *due) {
	o := &run{id: r.id, in: r.in, memory: m, first: r.first, request: r.request}
	r.request, r.over, r.lost = nil, ErrBroke, true
	r.in.newest = o
	m.orphans[o] = struct{}{}
	o.expiry = time.AfterFunc(m.o.TakeoverWithin, func() { m.expire(o) })
	for l := range m.links {
		d.offers = append(d.offers, offer{l, o})
	}
}

// expire ends an orphan that nobody has taken over in time.
func (m *Memory) expire(o *run) {
	m.withLock(func(d *due) {
		if o.expiry != nil {
			m.interrupt(o, ErrBroke, d)
		}
	})
}

// stopRepeats ends all orphans now, and every later one at once.
func (m *Memory) stopRepeats(d *due) {
	m.stopped = true
	for o := range m.orphans {
		m.interrupt(o, ErrBroke, d)
	}
}

// placed makes r an orphan no more.
func (m *Memory) placed(r *run) {
	if r.expiry != nil {
		r.expiry.Stop()
		r.expiry = nil
		delete(m.orphans, r)
	}
}

// takeOver gives an orphan to its new writer, once and for all: it is not repeated again.
func (m *Memory) takeOver(key, id uuid.UUID, info RunInfo) (*run, error) {
	for o := range m.orphans {
		if o.id != id || o.in.key != key || o.in.owner != info.Owner {
			continue
		}
		m.placed(o)
		m.forgetRequest(o)
		o.repeated, o.onLost = true, info.OnLost
		m.updateLRU(o.in, true)
		return o, nil
	}
	return nil, ErrTaken
}

// connect makes l one of the workers that orphans are offered to, the present ones
// included.
func (m *Memory) connect(l *relayPeer) {
	m.withLock(func(d *due) {
		m.links[l] = struct{}{}
		for o := range m.orphans {
			d.offers = append(d.offers, offer{l, o})
		}
	})
}

func (m *Memory) disconnect(l *relayPeer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.links, l)
}

// offered tells of o, if it is still to be had.
func (m *Memory) offered(o *run) (f wire.Frame, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return wire.Frame{
		Kind: wire.KindOrphan, Session: o.in.key, Run: o.id, Owner: o.in.owner, Request: o.request,
	}, o.expiry != nil
}

// offer tells the worker of an orphan as soon as the connection takes it.
func (l *relayPeer) offer(o *run) {
	l.mu.Lock()
	if !l.closed {
		l.offers = append(l.offers, o)
	}
	l.mu.Unlock()
	l.out.Signal()
}

// offering appends offers up to the outbox's bound.
func (l *relayPeer) offering(dst []byte) []byte {
	for len(dst) < l.bound {
		l.mu.Lock()
		if len(l.offers) == 0 {
			l.offers = nil // give back what a burst took
			l.mu.Unlock()
			return dst
		}
		o := l.offers[0]
		l.offers = l.offers[1:]
		l.mu.Unlock()
		if f, ok := l.journal.offered(o); ok {
			dst = f.AppendTo(dst)
		}
	}
	return dst
}
