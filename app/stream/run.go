package stream

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// run is one answer being made, and its own Writer.
type run struct {
	id     uuid.UUID
	in     *session // nil for a silent one
	memory *Memory
	first  uint64 // number of its first event; 0 = none yet
	end    uint64 // number of its terminal event; 0 = none yet
	over   error  // why nothing can follow; nil while the run is open
	lost   bool   // over without its writer's doing
	onLost func(error)

	request  []byte      // what it takes to make it again; nil = it is not repeated
	repeated bool        // it has been taken over
	expiry   *time.Timer // of an orphan; nil = it has a writer

	// Of a silent run.
	silent  bool
	session uuid.UUID
	owner   string
}

func (r *run) span() span { return span{r.id, r.first, r.end} }

// Begin implements Journal. It ignores ctx.
func (m *Memory) Begin(_ context.Context, info RunInfo) (Writer, error) {
	r, err := m.open(info)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (m *Memory) open(info RunInfo) (*run, error) {
	key, id, err := info.Parse()
	if err != nil {
		return nil, err
	}
	var r *run
	m.withLock(func(d *due) {
		if info.Takeover {
			r, err = m.takeOver(key, id, info)
			return
		}
		r = &run{id: id, memory: m, onLost: info.OnLost, silent: info.Silent, session: key, owner: info.Owner}
		if err = m.begin(r, key, info.Owner, d); err == nil && !r.silent {
			m.retainRequest(r, info.Request, d)
		}
	})
	return r, err
}

// claim refuses a run in a session that is another user's, or has an open run.
func (m *Memory) claim(key, id uuid.UUID, owner string) error {
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
		return ErrGone
	case open == nil:
		return nil
	case open.id == id:
		return study.Errorf(study.CodeInvalid, "the run has begun already")
	default:
		return ErrBusy(open.id.String())
	}
}

func (m *Memory) begin(r *run, key uuid.UUID, owner string, d *due) error {
	if err := m.claim(key, r.id, owner); err != nil {
		return err
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
		return study.Errorf(study.CodeOverloaded, "too many answers wait to be read")
	}
	s, err := m.session(key, d)
	if err != nil {
		return err
	}
	if s.newest == nil {
		s.epoch, s.owner = m.o.Epoch+m.lives, owner
		m.lives++
		s.wakeAll(d) // who waits for another owner's session must hear of it
	}
	m.stats.Runs++
	m.stats.QueuedBytes += runCost + s.begin(r)
	m.updateLRU(s, true)
	return nil
}

func (m *Memory) append(r *run, e study.Event, d *due) error {
	if r.over != nil {
		return r.over
	}
	if err := CheckEvent(e, m.o.MaxEventBytes); err != nil {
		return err
	}
	switch {
	case r.silent:
		if e.Kind.Terminal() {
			m.closed(r, ErrEnded)
		}
		return nil
	case e.Kind == study.KindStart && r.repeated && r.first != 0:
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
		full := study.Errorf(study.CodeOverloaded, "too many answers wait to be read")
		m.interrupt(r, full, d)
		return full
	}
	if e.Kind.Terminal() {
		m.end(r, e, ErrEnded, d)
		return nil
	}
	if !m.joined(r, e) {
		m.store(r, e)
	}
	m.changed(r.in, d)
	return nil
}

// ErrorEvent is the error event that ends a run or a stream against its maker's will.
func ErrorEvent(message string, retryable bool) study.Event {
	// Marshalling a string and a bool cannot fail.
	fields, _ := json.Marshal(struct {
		Error     string `json:"error"`
		Retryable bool   `json:"retryable"`
	}{message, retryable})
	return study.Event{Kind: study.KindError, Fields: fields}
}

// Append implements Writer. It ignores ctx.
func (r *run) Append(_ context.Context, e study.Event) (err error) {
	r.memory.withLock(func(d *due) { err = r.memory.append(r, e, d) })
	return err
}

// Close implements Writer.
func (r *run) Close() (err error) {
	r.memory.withLock(func(d *due) {
		switch {
		case r.over == nil && r.silent:
			r.memory.closed(r, ErrEnded)
		case r.over == nil:
			r.memory.end(r, ErrorEvent(ErrBroke.Message, true), ErrEnded, d)
		case r.lost:
			err = r.over
		}
	})
	return err
}

// end closes r with its terminal event e.
func (m *Memory) end(r *run, e study.Event, why error, d *due) {
	m.closed(r, why)
	m.store(r, e)
	m.changed(r.in, d)
}

// interrupt ends r against its writer's will.
func (m *Memory) interrupt(r *run, why *study.Error, d *due) {
	m.end(r, ErrorEvent(why.Message, true), why, d)
	m.lose(r, d)
}

// closed makes r one that is open no more.
func (m *Memory) closed(r *run, why error) {
	r.over = why
	m.stats.Runs--
	if r.silent {
		delete(m.silent, r.session)
		return
	}
	m.forgetRequest(r)
	m.placed(r)
	m.stats.QueuedBytes -= runCost
}

func (m *Memory) lose(r *run, d *due) {
	r.lost = true
	if r.onLost != nil {
		d.lost = append(d.lost, r)
	}
}
