package memory

import (
	"container/list"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// entry is a stored event.
type entry struct {
	study.Event
	run  *Run
	read bool // returned to a reader
	text bool // a token event with only a text, to which the next one may be joined
	own  bool // Fields is the journal's own buffer, which may grow in place
}

// session is the journal of one session: its stored events, in order. Their numbers are
// consecutive, except where events between stored terminal ones were dropped. It is guarded
// by the lock of its Journal.
type session struct {
	key     uuid.UUID
	epoch   uint64
	owner   string
	head    uint64 // number of the newest event; 0 = none yet
	ring    []entry
	newest  *Run   // the latest run, and the only one that may be open; nil = nothing has been posted yet
	past    []span // earlier runs, at most maxPast, oldest first
	handed  uint64 // the highest number in a position that a reader was given
	unread  bool   // the newest run's terminal event is stored and has not been read
	waiting []*Waiter
	touched time.Duration // relative to the Journal's start
	lru     *list.List    // the Journal's list that it is in; nil = none
	place   *list.Element
}

// span is the range of a run in its session's numbering.
type span struct {
	run        uuid.UUID
	first, end uint64 // numbers of its first and of its terminal event; 0 = none yet
}

// maxPast is how many earlier runs a session remembers.
const maxPast = 16

// busy reports whether a run is open.
func (s *session) busy() bool { return s.newest != nil && s.newest.over == nil }

// spanOf returns the span of a run. For the nil UUID it is everything from the newest run
// on.
func (s *session) spanOf(run uuid.UUID) (of span, known bool) {
	switch run {
	case uuid.Nil:
		return span{first: s.newest.first}, true
	case s.newest.id:
		return s.newest.span(), true
	}
	i := slices.IndexFunc(s.past, func(p span) bool { return p.run == run })
	if i < 0 {
		return span{}, false
	}
	return s.past[i], true
}

// begin makes r the session's newest run.
func (s *session) begin(r *Run) (cost int64) {
	if s.newest != nil {
		if len(s.past) == maxPast {
			s.past = slices.Delete(s.past, 0, 1)
			cost -= pastCost
		}
		s.past = append(s.past, s.newest.span())
		cost += pastCost
	}
	r.in, s.newest, s.unread = s, r, false
	return cost
}

// session returns the session, creating it if necessary.
func (m *Journal) session(key uuid.UUID, d *due) (*session, error) {
	if s := m.sessions[key]; s != nil {
		return s, nil
	}
	if len(m.sessions) >= m.o.MaxSessions && m.read.Len() > 0 {
		m.remove(m.read.Front().Value.(*session), stream.ErrGone, d)
	}
	if len(m.sessions) >= m.o.MaxSessions || !m.makeRoom(sessionCost, d) {
		return nil, study.Errorf(study.CodeOverloaded, "too many sessions are open")
	}
	s := &session{key: key, touched: time.Since(m.start)}
	m.sessions[key] = s
	m.stats.QueuedBytes += sessionCost
	return s, nil
}

// resolve converts a reader's position to the number after which to read, and a lower bound
// of the events missed. ok is false if there is no event to start from yet.
func (s *session) resolve(p study.Position, of span) (after, missed uint64, ok bool) {
	alive, one := p.Epoch == s.epoch && p.Seq <= s.head, of.run != uuid.Nil
	switch {
	case alive && !one:
		return p.Seq, 0, true
	case of.first == 0:
		return 0, 0, false
	case alive:
		return max(p.Seq, of.first-1), 0, true
	case p != (study.Position{}):
		missed = 1
	}
	return of.first - 1, missed, true
}

// over reports whether no event will follow number after, in one run or in all.
func (s *session) over(of span, after uint64) bool {
	if of.run != uuid.Nil {
		return of.end != 0 && after >= of.end
	}
	return after == s.head && !s.busy()
}

// read returns the stored events after p, of one run or of all, up to the run's end, the
// next hole or maxBytes, and marks them read. ok is false if there is nothing to report
// yet.
func (s *session) read(p study.Position, of span, maxBytes int) (b study.Batch, ok bool) {
	after, missed, ok := s.resolve(p, of)
	if !ok {
		return b, false
	}
	b.Next, b.Run = study.Position{Epoch: s.epoch, Seq: after}, s.newest.id.String()
	last := s.head
	if of.run != uuid.Nil {
		b.Run = of.run.String()
		if of.end != 0 {
			last = max(after, of.end)
		}
	}
	i, _ := slices.BinarySearchFunc(s.ring, after+1, func(e entry, seq uint64) int {
		return int(int64(e.Seq) - int64(seq))
	})
	if i == len(s.ring) || s.ring[i].Seq > last {
		b.Missed, b.Next.Seq = last-after, last
	} else {
		b.Missed, b.Run = s.ring[i].Seq-after-1, s.ring[i].run.id.String()
		b.Events = s.collect(i, maxBytes)
		b.Next.Seq = b.Events[len(b.Events)-1].Seq
	}
	b.Missed = max(b.Missed, missed)
	s.handed = max(s.handed, b.Next.Seq)
	b.Ended = s.over(of, b.Next.Seq)
	return b, b.Missed > 0 || len(b.Events) > 0 || b.Ended
}

// collect copies consecutive events of one run, starting at index i.
func (s *session) collect(i, maxBytes int) []study.Event {
	end, size := i, 0
	for end < len(s.ring) && size < maxBytes && s.ring[end].Seq == s.ring[i].Seq+uint64(end-i) && s.ring[end].run.id == s.ring[i].run.id {
		size += len(s.ring[end].Fields)
		end++
	}
	events := make([]study.Event, 0, end-i)
	for k := i; k < end; k++ {
		e := &s.ring[k]
		e.read = true
		s.unread = s.unread && e.Seq != s.newest.end
		events = append(events, e.Event)
	}
	return events
}

// oldestDroppable returns the index of the event to drop at a bound: the oldest, but an
// unread terminal event only if there are no others, and the newest run's unread terminal
// event never. -1 means that there is none.
func (s *session) oldestDroppable() int {
	spare := -1
	for i := range s.ring {
		e := &s.ring[i]
		if e.read || !e.Kind.Terminal() {
			return i
		}
		if spare < 0 && !(s.unread && e.Seq == s.newest.end) {
			spare = i
		}
	}
	return spare
}

// droppable reports whether an event may be dropped.
func (s *session) droppable() bool {
	return len(s.ring) > 1 || len(s.ring) == 1 && !s.unread
}

// joined adds a token's text to the newest event instead of storing it as an event with its
// own number. It does so only if no reader has got past that event, so no text is lost or
// repeated.
func (m *Journal) joined(r *Run, e study.Event) bool {
	ring := r.in.ring
	if len(ring) == 0 || len(ring) < m.o.MaxEvents*3/4 || e.Kind != study.KindToken {
		return false
	}
	last := &ring[len(ring)-1]
	text, ok := stream.TokenText(e.Fields)
	if !ok || !last.text || last.Seq != r.in.head ||
		last.Seq <= r.in.handed || len(last.Fields)+len(text) > min(stream.MaxJoinedBytes, m.o.MaxEventBytes) {
		return false
	}
	if !last.own {
		last.Fields, last.own = append(make(json.RawMessage, 0, 2*len(last.Fields)+len(text)), last.Fields...), true
	}
	last.Fields = stream.AppendText(last.Fields, text)
	m.stats.QueuedBytes += int64(len(text))
	return true
}

// changed must be called after every new event.
func (m *Journal) changed(s *session, d *due) {
	m.updateLRU(s, true)
	s.wakeAll(d)
}

// cost is what a stored event counts against MaxBytes.
func cost(e study.Event) int64 { return int64(len(e.Fields)) + eventCost }

// store stores e as the session's next event.
func (m *Journal) store(r *Run, e study.Event) {
	s := r.in
	s.head++
	e.Seq = s.head
	if r.first == 0 {
		r.first = e.Seq
	}
	for len(s.ring) >= m.o.MaxEvents {
		m.drop(s, s.oldestDroppable()) // there is always one: the newest run is open and has no terminal event yet
	}
	if e.Kind.Terminal() {
		r.end = e.Seq
		s.unread = s.unread || r == s.newest
	}
	_, text := stream.TokenText(e.Fields)
	s.ring = append(s.ring, entry{Event: e, run: r, text: text && e.Kind == study.KindToken})
	m.stats.QueuedEvents++
	m.stats.QueuedBytes += cost(e)
}

// drop removes the stored event at index i.
func (m *Journal) drop(s *session, i int) {
	if !s.ring[i].read {
		m.stats.DroppedEvents++
	}
	m.stats.QueuedEvents--
	m.stats.QueuedBytes -= cost(s.ring[i].Event)
	s.ring = slices.Delete(s.ring, i, i+1)
}
