package stream

import (
	"container/list"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// entry is a kept event.
type entry struct {
	study.Event
	run  *run
	read bool // given to a reader
	text bool // a token event with nothing but its text: the next one may be joined to it
	own  bool // Fields is a buffer of ours, to grow in place
}

// session is the journal of one session: the events kept, in order. Numbers are
// without holes except where events were dropped from between kept terminal ones.
// Everything in it is guarded by the lock of its Memory.
type session struct {
	key     uuid.UUID
	epoch   uint64
	owner   string
	head    uint64 // number of the newest event; 0 = none yet
	ring    []entry
	open    []*run
	newest  *run   // the one begun last; nil = nobody has posted yet
	handed  uint64 // no reader was given a position behind this number
	unread  bool   // the newest run's terminal event is kept and nobody has read it
	waiting []*waiter
	touched time.Duration // on the clock of the Memory
	shelf   *list.List    // of the Memory; nil = on none
	place   *list.Element
}

// session gives the session, made when there is none.
func (m *Memory) session(key uuid.UUID, d *due) (*session, error) {
	if s := m.sessions[key]; s != nil {
		return s, nil
	}
	if len(m.sessions) >= m.o.MaxSessions && m.read.Len() > 0 {
		m.remove(m.read.Front().Value.(*session), ErrGone, d)
	}
	if len(m.sessions) >= m.o.MaxSessions || !m.makeRoom(sessionCost, d) {
		return nil, study.Errorf(study.CodeOverloaded, "too many sessions are open")
	}
	s := &session{key: key, touched: time.Since(m.start)}
	m.sessions[key] = s
	m.stats.QueuedBytes += sessionCost
	return s, nil
}

// resolve turns a reader's position into the number to read behind, with the least
// number of events missed; not ok: the newest run has no event to start from yet.
func (s *session) resolve(p study.Position) (after, missed uint64, ok bool) {
	if p.Epoch == s.epoch && p.Seq <= s.head {
		return p.Seq, 0, true
	}
	if s.newest.first == 0 {
		return 0, 0, false
	}
	if p != (study.Position{}) {
		missed = 1
	}
	return s.newest.first - 1, missed, true
}

// read gives the kept events behind p up to the next hole or maxBytes, and marks
// them read. Not ok: there is nothing to tell yet.
func (s *session) read(p study.Position, maxBytes int) (b study.Batch, ok bool) {
	after, missed, ok := s.resolve(p)
	if !ok {
		return b, false
	}
	b.Next = study.Position{Epoch: s.epoch, Seq: after}
	i, _ := slices.BinarySearchFunc(s.ring, after+1, func(e entry, seq uint64) int {
		return int(int64(e.Seq) - int64(seq))
	})
	if i == len(s.ring) {
		b.Missed, b.Next.Seq = s.head-after, s.head
	} else {
		b.Missed = s.ring[i].Seq - after - 1
		b.Events = s.collect(i, maxBytes)
		b.Next.Seq = b.Events[len(b.Events)-1].Seq
	}
	b.Missed = max(b.Missed, missed)
	s.handed = max(s.handed, b.Next.Seq)
	b.Ended = len(s.open) == 0 && b.Next.Seq == s.head
	return b, b.Missed > 0 || len(b.Events) > 0 || b.Ended
}

// collect copies the run of events without a hole that starts at index i.
func (s *session) collect(i, maxBytes int) []study.Event {
	end, size := i, 0
	for end < len(s.ring) && size < maxBytes && s.ring[end].Seq == s.ring[i].Seq+uint64(end-i) {
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

// victim is the index of the event to drop for a bound: the oldest, passing over
// terminal events that nobody has read as long as there are others, and over the
// newest run's in any case. -1: there is none.
func (s *session) victim() int {
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

// droppable reports whether there is a victim.
func (s *session) droppable() bool {
	return len(s.ring) > 1 || len(s.ring) == 1 && !s.unread
}

// maxJoined bounds an event that takes the text of others: a ring of nothing else then
// holds a hundred kilobytes that nobody has read, and no answer is as long.
const maxJoined = 1 << 10

// joined adds a token's text to the newest event instead of keeping it apart, which
// gives it no number of its own. Only a token of the same run in front of
// which every reader still stands takes it, so nothing is lost or doubled.
func (m *Memory) joined(r *run, e study.Event) bool {
	ring := r.in.ring
	if len(ring) == 0 || len(ring) < m.o.MaxEvents*3/4 || e.Kind != study.KindToken {
		return false
	}
	last := &ring[len(ring)-1]
	text, ok := onlyText(e.Fields)
	if !ok || !last.text || last.run != r || last.Seq != r.in.head ||
		last.Seq <= r.in.handed || len(last.Fields)+len(text) > min(maxJoined, m.o.MaxEventBytes) {
		return false
	}
	if !last.own {
		last.Fields, last.own = append(make(json.RawMessage, 0, 2*len(last.Fields)+len(text)), last.Fields...), true
	}
	last.Fields = append(last.Fields[:len(last.Fields)-len(textEnd)], text...)
	last.Fields = append(last.Fields, textEnd...)
	m.stats.QueuedBytes += int64(len(text))
	return true
}

// changed follows every new event.
func (m *Memory) changed(s *session, d *due) {
	m.shelve(s, true)
	s.wakeAll(d)
}

// cost is what a kept event counts against MaxBytes.
func cost(e study.Event) int64 { return int64(len(e.Fields)) + eventCost }

// store keeps e as the session's next event.
func (m *Memory) store(r *run, e study.Event) {
	s := r.in
	s.head++
	e.Seq = s.head
	if r.first == 0 {
		r.first = e.Seq
	}
	for len(s.ring) >= m.o.MaxEvents {
		i := s.victim()
		if i < 0 {
			m.stats.DroppedEvents++ // only the newest run's unread end is left, and it stays
			return
		}
		m.drop(s, i)
	}
	if e.Kind.Terminal() {
		r.end = e.Seq
		s.unread = s.unread || r == s.newest
	}
	_, text := onlyText(e.Fields)
	s.ring = append(s.ring, entry{Event: e, run: r, text: text && e.Kind == study.KindToken})
	m.stats.QueuedEvents++
	m.stats.QueuedBytes += cost(e)
}

// drop gives up the kept event at index i.
func (m *Memory) drop(s *session, i int) {
	if !s.ring[i].read {
		m.stats.DroppedEvents++
	}
	m.stats.QueuedEvents--
	m.stats.QueuedBytes -= cost(s.ring[i].Event)
	s.ring = slices.Delete(s.ring, i, i+1)
}
