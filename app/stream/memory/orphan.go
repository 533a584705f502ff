package memory

import (
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
)

// Recoverer can have orphans taken over.
type Recoverer interface {
	// Offer names an orphan. describe says what it is, and whether it still waits for a takeover; the
	// request that it gives is the journal's. Offer must not block, nor call the journal.
	Offer(describe func() (o stream.Orphan, waiting bool))
}

// AddRecoverer has r offered every orphan, those that wait now included, until RemoveRecoverer.
func (m *Journal) AddRecoverer(r Recoverer) {
	m.withLock(func(d *due) {
		m.recoverers[r] = struct{}{}
		for o := range m.orphans {
			d.offers = append(d.offers, offer{r, o})
		}
	})
}

// RemoveRecoverer ends the offers to r; one that is under way may still come.
func (m *Journal) RemoveRecoverer(r Recoverer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.recoverers, r)
}

// offer is an orphan to be offered.
type offer struct {
	to     Recoverer
	orphan *Run
}

func (r *Run) describe() (o stream.Orphan, waiting bool) {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	return stream.Orphan{Session: r.in.key.String(), Run: r.id.String(), Owner: r.in.owner, Request: r.request}, r.expiry != nil
}

// retainRequest keeps the request that a takeover of r needs, if it may. All requests together have a
// quarter of MaxBytes because, unlike events, they cannot be dropped to make room.
func (m *Journal) retainRequest(r *Run, request []byte, d *due) {
	n := int64(len(request))
	if n == 0 || n > stream.MaxRequestBytes || m.requests+n > m.o.MaxBytes/4 || !m.makeRoom(n, d) {
		return
	}
	r.request = request
	m.requests += n
	m.stats.QueuedBytes += n
}

func (m *Journal) forgetRequest(r *Run) {
	n := int64(len(r.request))
	m.requests -= n
	m.stats.QueuedBytes -= n
	r.request = nil
}

// Abandon says that the run's writer has died: the run becomes an orphan if it can be
// rerun, else it ends with an error event.
func (r *Run) Abandon() {
	m := r.journal
	m.withLock(func(d *due) {
		switch {
		case r.over != nil:
		case r.silent:
			m.closed(r, stream.ErrBroke)
		case r.request == nil || m.stopped:
			m.interrupt(r, stream.ErrBroke, d)
		default:
			m.orphan(r, d)
		}
	})
}

// orphan replaces r by a run without a writer and offers that to all recoverers. The old writer
// can do nothing any more.
func (m *Journal) orphan(r *Run, d *due) {
	o := &Run{id: r.id, in: r.in, journal: m, first: r.first, request: r.request}
	r.request, r.over, r.lost = nil, stream.ErrBroke, true
	r.in.newest = o
	m.orphans[o] = struct{}{}
	o.expiry = time.AfterFunc(m.o.TakeoverWithin, func() { m.expire(o) })
	for to := range m.recoverers {
		d.offers = append(d.offers, offer{to, o})
	}
}

// expire ends an orphan that no worker has taken over in time.
func (m *Journal) expire(o *Run) {
	m.withLock(func(d *due) {
		if o.expiry != nil {
			m.interrupt(o, stream.ErrBroke, d)
		}
	})
}

// stopRecovery ends all orphans now, and every later one at once.
func (m *Journal) stopRecovery(d *due) {
	m.stopped = true
	for o := range m.orphans {
		m.interrupt(o, stream.ErrBroke, d)
	}
}

// unorphan ends the wait of r for a takeover.
func (m *Journal) unorphan(r *Run) {
	if r.expiry != nil {
		r.expiry.Stop()
		r.expiry = nil
		delete(m.orphans, r)
	}
}

// takeOver gives an orphan its new writer. It happens once: the request is forgotten.
func (m *Journal) takeOver(key, id uuid.UUID, info stream.RunInfo) (*Run, error) {
	for o := range m.orphans {
		if o.id != id || o.in.key != key || o.in.owner != info.Owner {
			continue
		}
		m.unorphan(o)
		m.forgetRequest(o)
		o.repeated, o.onLost = true, info.OnLost
		m.updateLRU(o.in, true)
		return o, nil
	}
	return nil, stream.ErrTaken
}
