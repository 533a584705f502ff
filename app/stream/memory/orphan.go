package memory

import (
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
)

// Recoverer can arrange the takeover of orphans.
type Recoverer interface {
	// Offer is called with an orphan. describe returns what it is, and whether it still waits for a
	// takeover; the request that it returns belongs to the journal. Offer must neither block nor call
	// the journal.
	Offer(describe func() (o stream.Orphan, waiting bool))
}

// AddRecoverer makes the journal offer r every orphan, including those that already wait, until RemoveRecoverer.
func (m *Journal) AddRecoverer(r Recoverer) {
	m.withLock(func(d *due) {
		m.recoverers[r] = struct{}{}
		for o := range m.orphans {
			d.offers = append(d.offers, offer{r, o})
		}
	})
}

// RemoveRecoverer ends the offers to r; a call in progress may still arrive.
func (m *Journal) RemoveRecoverer(r Recoverer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.recoverers, r)
}

// offer is a pending offer of an orphan.
type offer struct {
	to     Recoverer
	orphan *Run
}

func (r *Run) describe() (o stream.Orphan, waiting bool) {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	return stream.Orphan{Session: r.in.key.String(), Run: r.id.String(), Owner: r.in.owner, Request: r.request}, r.expiry != nil
}

// retainRequest keeps the request that a takeover of r needs, if there is room. All requests together
// may use only a quarter of MaxBytes because, unlike events, they cannot be dropped to make room.
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

// Abandon reports that the run's writer has died: the run becomes an orphan if it can be
// rerun, otherwise it ends with an error event.
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
// has no effect any more.
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

// stopRecovery ends all orphans now. Later ones end as soon as they are abandoned.
func (m *Journal) stopRecovery(d *due) {
	m.stopped = true
	for o := range m.orphans {
		m.interrupt(o, stream.ErrBroke, d)
	}
}

// unorphan ends r's wait for a takeover.
func (m *Journal) unorphan(r *Run) {
	if r.expiry != nil {
		r.expiry.Stop()
		r.expiry = nil
		delete(m.orphans, r)
	}
}

// takeOver attaches a new writer to an orphan. It works only once: the request is then discarded.
func (m *Journal) takeOver(key, id uuid.UUID, info stream.RunInfo) (*Run, error) {
	for o := range m.orphans {
		if o.id != id || o.in.key != key || o.in.owner != info.Owner {
			continue
		}
		m.unorphan(o)
		m.forgetRequest(o)
		o.takenOver, o.onLost = true, info.OnLost
		m.updateLRU(o.in, true)
		return o, nil
	}
	return nil, stream.ErrTaken
}
