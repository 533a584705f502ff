package redisjournal

import (
	"encoding/json"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// view is what one read found of a session.
type view struct {
	epoch   uint64 // 0 = nobody has posted
	dropped uint64 // epoch of the life dropped last
	owner   string
	head    uint64
	first   uint64 // the newest run's first event; 0 = it has none yet
	open    uint64 // runs
	all     bool   // events reach to the newest
	from    uint64 // the number that events follow
	events  []study.Event
	hold    bool // a position beyond the newest event waits: the event may be put back yet
}

func readView(reply any, hold bool) (v view, err error) {
	a := newAnswer(reply)
	epoch, dropped := a.text(), a.text()
	if dropped != "" {
		if v.dropped, err = parseEpoch(dropped); err != nil {
			return v, err
		}
	}
	v.hold = hold
	if epoch == "" {
		return v, a.err()
	}
	if v.epoch, err = parseEpoch(epoch); err != nil {
		return v, err
	}
	v.owner, v.head, v.first, v.open = a.text(), a.number(), a.number(), a.number()
	v.all, v.from = a.number() == 1, a.number()
	for len(a.rest) > 0 && !a.odd {
		e := study.Event{Seq: a.number(), Kind: study.Kind(a.text())}
		if fields := a.text(); fields != "" {
			e.Fields = json.RawMessage(fields)
		}
		v.events = append(v.events, e)
	}
	return v, a.err()
}

// verdict is what a view means for a waiter.
type verdict int

const (
	waits    verdict = iota // nothing for it yet
	answered                // what it gets
	unknown                 // it needs another read
)

func (v *view) answer(w *waiter, maxBytes int) (b study.Batch, is verdict, err error) {
	switch {
	case v.epoch == 0:
		return v.nobody(w)
	case w.owner != "" && w.owner != v.owner, w.seen != 0 && w.seen != v.epoch && w.seen == v.dropped:
		return b, answered, stream.ErrGone
	case w.peek:
		return v.peek(w.after), answered, nil
	}
	w.missing = time.Time{}
	if b, is = v.read(w.after, maxBytes); is == waits && w.noWait {
		b, is = study.Batch{Next: v.idleNext(w.after)}, answered
	}
	return b, is, nil
}

// nobody answers for a session that is not there.
func (v *view) nobody(w *waiter) (b study.Batch, is verdict, err error) {
	switch {
	case v.dropped != 0 && (v.dropped == w.after.Epoch || v.dropped == w.seen):
		return b, answered, stream.ErrGone
	case w.peek || w.noWait:
		return b, answered, nil
	case w.seen == 0 && w.after.Epoch < stream.SharedEpoch, v.hold:
	case w.missing.IsZero():
		w.missing = time.Now()
	case time.Since(w.missing) > lostAfter:
		return b, answered, stream.ErrGone
	}
	return b, waits, nil
}

// resolve turns a position into the number to read behind, with the least number of
// events missed; not ok: there is nothing to start from yet.
func (v *view) resolve(p study.Position) (after, missed uint64, ok bool) {
	if p.Epoch == v.epoch && p.Seq <= v.head {
		return p.Seq, 0, true
	}
	if v.first == 0 || (v.hold && p.Epoch == v.epoch) {
		return 0, 0, false
	}
	if p != (study.Position{}) {
		missed = 1
	}
	return v.first - 1, missed, true
}

// read gives the events behind p up to the next hole or maxBytes.
func (v *view) read(p study.Position, maxBytes int) (b study.Batch, is verdict) {
	after, missed, ok := v.resolve(p)
	if !ok {
		return b, waits
	}
	if after < v.from {
		return b, unknown
	}
	b.Next = study.Position{Epoch: v.epoch, Seq: after}
	i := 0
	for i < len(v.events) && v.events[i].Seq <= after {
		i++
	}
	switch {
	case i < len(v.events):
		b.Missed = v.events[i].Seq - after - 1
		b.Events = contiguous(v.events[i:], maxBytes)
		b.Next.Seq = b.Events[len(b.Events)-1].Seq
	case !v.all:
		return study.Batch{}, unknown
	default:
		b.Missed, b.Next.Seq = v.head-after, v.head
	}
	b.Missed = max(b.Missed, missed)
	b.Ended = v.open == 0 && b.Next.Seq == v.head
	if b.Missed > 0 || len(b.Events) > 0 || b.Ended {
		return b, answered
	}
	return b, waits
}

// contiguous are the first of events up to a hole or maxBytes.
func contiguous(events []study.Event, maxBytes int) []study.Event {
	end, size := 0, 0
	for end < len(events) && size < maxBytes && events[end].Seq == events[0].Seq+uint64(end) {
		size += len(events[end].Fields)
		end++
	}
	return events[:end:end]
}

// idleNext is where a reader at p goes on from when there is nothing for it.
func (v *view) idleNext(p study.Position) study.Position {
	if p == (study.Position{}) {
		return study.Position{Epoch: v.epoch, Seq: v.head}
	}
	return p
}

// peek is what a reader at p may expect.
func (v *view) peek(p study.Position) (b study.Batch) {
	after, missed, ok := v.resolve(p)
	b.Next = study.Position{Epoch: v.epoch, Seq: after}
	b.Missed = missed
	b.Ended = ok && missed == 0 && after == v.head && v.open == 0
	return b
}
