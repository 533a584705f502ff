package memory

import (
	"context"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// Run implements stream.Writer.
type Run struct {
	id      uuid.UUID
	in      *session // nil for a silent run
	journal *Journal
	first   uint64 // number of its first event; 0 = none yet
	end     uint64 // number of its terminal event; 0 = none yet
	over    error  // why nothing can follow; nil while the run is open
	lost    bool   // the journal, not the writer, ended it
	onLost  func(error)

	request   []byte // for a takeover; nil = it cannot be taken over
	takenOver bool
	expiry    *time.Timer // of an orphan; nil = it has a writer

	// For silent runs.
	silent  bool
	session uuid.UUID
	owner   string
}

func (r *Run) span() span { return span{r.id, r.first, r.end} }

// Begin implements stream.Journal. It ignores ctx.
func (m *Journal) Begin(_ context.Context, info stream.RunInfo) (stream.Writer, error) {
	r, err := m.Open(info)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Open is Begin for a caller that reports the death of its writer with Run.Abandon.
func (m *Journal) Open(info stream.RunInfo) (*Run, error) {
	key, id, err := info.Parse()
	if err != nil {
		return nil, err
	}
	var r *Run
	m.withLock(func(d *due) {
		if info.Takeover {
			r, err = m.takeOver(key, id, info)
			return
		}
		r = &Run{id: id, journal: m, onLost: info.OnLost, silent: info.Silent, session: key, owner: info.Owner}
		if err = m.begin(r, key, info.Owner, d); err == nil && !r.silent {
			m.retainRequest(r, info.Request, d)
		}
	})
	return r, err
}

// claim returns an error if the session belongs to another user or has an open run. The same run may begin a second
// time, to turn from a silent run into one with events.
func (m *Journal) claim(key, id uuid.UUID, owner string, silent bool) error {
	open, whose := m.silent[key], owner
	if open != nil {
		whose = open.owner
	}
	if s := m.sessions[key]; s != nil && s.newest != nil {
		whose = s.owner
		if s.busy() {
			open = s.newest
		}
	}
	switch {
	case whose != owner:
		return stream.ErrGone
	case open == nil, open.id == id && open.silent && !silent:
		return nil
	case open.id == id:
		return study.Errorf(study.CodeInvalid, "the run has already begun")
	default:
		return stream.ErrBusy(open.id.String())
	}
}

func (m *Journal) begin(r *Run, key uuid.UUID, owner string, d *due) error {
	if err := m.claim(key, r.id, owner, r.silent); err != nil {
		return err
	}
	if before := m.silent[key]; before != nil {
		m.closed(before, stream.ErrEnded)
	}
	if m.stats.Runs >= m.o.MaxRuns {
		return study.Errorf(study.CodeOverloaded, "too many runs are open")
	}
	if r.silent {
		m.silent[key] = r
		m.stats.Runs++
		return nil
	}
	if !m.makeRoom(runCost+sessionCost+pastCost, d) {
		return study.Errorf(study.CodeOverloaded, "too many unread answers")
	}
	s, err := m.session(key, d)
	if err != nil {
		return err
	}
	if s.newest == nil {
		s.epoch, s.owner = m.o.Epoch+m.lives, owner
		m.lives++
		s.wakeAll(d) // a reader that waits as another owner gets an error
	}
	m.stats.Runs++
	m.stats.QueuedBytes += runCost + s.begin(r)
	m.updateLRU(s, true)
	return nil
}

func (m *Journal) append(r *Run, e study.Event, d *due) error {
	if r.over != nil {
		return r.over
	}
	if err := stream.CheckEvent(e, m.o.MaxEventBytes); err != nil {
		return err
	}
	switch {
	case r.silent:
		if e.Kind.Terminal() {
			m.closed(r, stream.ErrEnded)
		}
		return nil
	case e.Kind == study.KindStart && r.takenOver && r.first != 0:
		return nil
	}
	if e.Kind != study.KindStart && e.Kind != study.KindProgress {
		m.forgetRequest(r)
	}
	need := cost(e)
	if e.Kind.Terminal() {
		need -= runCost
	}
	if !m.makeRoom(need, d) {
		full := study.Errorf(study.CodeOverloaded, "too many unread answers")
		m.interrupt(r, full, d)
		return full
	}
	if e.Kind.Terminal() {
		m.end(r, e, stream.ErrEnded, d)
		return nil
	}
	if !m.joined(r, e) {
		m.store(r, e)
	}
	m.changed(r.in, d)
	return nil
}

// Append implements stream.Writer. It ignores ctx.
func (r *Run) Append(_ context.Context, e study.Event) (err error) {
	r.journal.withLock(func(d *due) { err = r.journal.append(r, e, d) })
	return err
}

// Close implements stream.Writer.
func (r *Run) Close() (err error) {
	r.journal.withLock(func(d *due) {
		switch {
		case r.over == nil && r.silent:
			r.journal.closed(r, stream.ErrEnded)
		case r.over == nil:
			r.journal.end(r, stream.ErrorEvent(stream.ErrBroke.Message, true), stream.ErrEnded, d)
		case r.lost:
			err = r.over
		}
	})
	return err
}

// end closes r with its terminal event e.
func (m *Journal) end(r *Run, e study.Event, why error, d *due) {
	m.closed(r, why)
	m.store(r, e)
	m.changed(r.in, d)
}

// interrupt ends r with an error event and notifies its writer.
func (m *Journal) interrupt(r *Run, why *study.Error, d *due) {
	m.end(r, stream.ErrorEvent(why.Message, true), why, d)
	m.lose(r, d)
}

// closed removes r from the open runs.
func (m *Journal) closed(r *Run, why error) {
	r.over = why
	m.stats.Runs--
	if r.silent {
		delete(m.silent, r.session)
		return
	}
	m.forgetRequest(r)
	m.unorphan(r)
	m.stats.QueuedBytes -= runCost
}

func (m *Journal) lose(r *Run, d *due) {
	r.lost = true
	if r.onLost != nil {
		d.lost = append(d.lost, r)
	}
}
