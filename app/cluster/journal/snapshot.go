package journal

import (
	"cmp"
	"encoding/json"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// snapshot is the result of one read of a session.
type snapshot struct {
	epoch   uint64 // 0 = the session does not exist
	dropped uint64 // epoch of the session's last dropped life
	owner   string
	head    uint64
	first   uint64 // number of the newest run's first event; 0 = none yet
	open    uint64 // number of open runs
	newest  string // id of the newest run
	all     bool   // events include the newest event requested
	from    uint64 // the number after which events begin
	events  []study.Event
	runs    []string // the run of each event
	spans   map[string]span
	hold    bool // a position beyond the newest event must wait until the writer has checked for lost events; otherwise its reader would get events twice
}

// span is a run's range in the session's numbering; 0 = no such event yet.
type span struct{ first, end uint64 }

// parseSnapshot parses the reply of the read script.
func parseSnapshot(reply any, runs []string, hold bool) (v snapshot, err error) {
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
	v.all, v.from, v.newest = a.number() == 1, a.number(), a.text()
	v.spans = make(map[string]span, len(runs))
	for _, run := range runs {
		known, of := a.number() == 1, span{a.number(), a.number()}
		if known {
			v.spans[run] = of
		}
	}
	for len(a.rest) > 0 && !a.odd {
		e := study.Event{Seq: a.number(), Kind: study.Kind(a.text())}
		if fields := a.text(); fields != "" {
			e.Fields = json.RawMessage(fields)
		}
		v.events, v.runs = append(v.events, e), append(v.runs, a.text())
	}
	return v, a.err()
}

// verdict is what a snapshot means for a waiter.
type verdict int

const (
	waits    verdict = iota // nothing new for it
	answered                // the batch or error answers it
	unknown                 // another read is needed
)

func (v *snapshot) answer(w *waiter, maxBytes int) (b study.Batch, is verdict, err error) {
	switch {
	case v.epoch == 0:
		return v.missingSession(w)
	case w.owner != "" && w.owner != v.owner, w.seen != 0 && w.seen != v.epoch && w.seen == v.dropped:
		return b, answered, stream.ErrGone
	}
	of, known := v.spans[w.run]
	switch {
	case w.run != "" && !known:
		return b, answered, stream.ErrNoRun
	case w.peek:
		return v.peek(w.after, w.run, of), answered, nil
	}
	if b, is = v.read(w.after, w.run, of, maxBytes); is == waits && w.noWait {
		b, is = study.Batch{Next: v.idleNext(w.after)}, answered
	}
	return b, is, nil
}

// missingSession answers a waiter whose session does not exist.
func (v *snapshot) missingSession(w *waiter) (b study.Batch, is verdict, err error) {
	switch {
	case v.dropped != 0 && (v.dropped == w.after.Epoch || v.dropped == w.seen):
		return b, answered, stream.ErrGone
	case w.peek || w.noWait:
		return b, answered, nil
	case w.seen == 0 && w.after.Epoch < stream.SharedEpoch:
		return b, waits, nil
	default:
		return b, answered, stream.ErrGone
	}
}

// resolve converts a position to the event number after which to read, and a lower bound of the events missed. ok is
// false if there is nothing to start from yet.
func (v *snapshot) resolve(p study.Position, run string, of span) (after, missed uint64, ok bool) {
	alive, first := p.Epoch == v.epoch && p.Seq <= v.head, v.first
	if run != "" {
		first = of.first
	}
	switch {
	case alive && run == "":
		return p.Seq, 0, true
	case first == 0, v.hold && p.Epoch == v.epoch && !alive:
		return 0, 0, false
	case alive:
		return max(p.Seq, first-1), 0, true
	case p != (study.Position{}):
		missed = 1
	}
	return first - 1, missed, true
}

// over reports whether no event will follow a number, in one run or in all.
func (v *snapshot) over(after uint64, run string, of span) bool {
	if run != "" {
		return of.end != 0 && after >= of.end
	}
	return v.open == 0 && after == v.head
}

// read returns the events after p, of one run or of all, up to the end of a run, the next gap or maxBytes.
func (v *snapshot) read(p study.Position, run string, of span, maxBytes int) (b study.Batch, is verdict) {
	after, missed, ok := v.resolve(p, run, of)
	if !ok {
		return b, waits
	}
	b.Next, b.Run = study.Position{Epoch: v.epoch, Seq: after}, cmp.Or(run, v.newest)
	last := v.head
	if run != "" && of.end != 0 {
		last = max(after, of.end)
	}
	i := 0
	for i < len(v.events) && v.events[i].Seq <= after {
		i++
	}
	switch {
	case after == last: // the snapshot read nothing for it
	case after < v.from:
		return study.Batch{}, unknown
	case i < len(v.events) && v.events[i].Seq <= last:
		b.Missed, b.Run = v.events[i].Seq-after-1, v.runs[i]
		b.Events = v.contiguous(i, maxBytes)
		b.Next.Seq = b.Events[len(b.Events)-1].Seq
	case i == len(v.events) && !v.all:
		return study.Batch{}, unknown
	default:
		b.Missed, b.Next.Seq = last-after, last
	}
	b.Missed = max(b.Missed, missed)
	b.Ended = v.over(b.Next.Seq, run, of)
	if b.Missed > 0 || len(b.Events) > 0 || b.Ended {
		return b, answered
	}
	return b, waits
}

// contiguous returns the events of one run from index i on, up to a gap or maxBytes.
func (v *snapshot) contiguous(i, maxBytes int) []study.Event {
	end, size := i, 0
	for end < len(v.events) && size < maxBytes && v.events[end].Seq == v.events[i].Seq+uint64(end-i) && v.runs[end] == v.runs[i] {
		size += len(v.events[end].Fields)
		end++
	}
	return v.events[i:end:end]
}

// idleNext returns the position at which a reader at p continues if there is nothing for it.
func (v *snapshot) idleNext(p study.Position) study.Position {
	if p == (study.Position{}) {
		return study.Position{Epoch: v.epoch, Seq: v.head}
	}
	return p
}

// peek describes what a reader at p would get, without events.
func (v *snapshot) peek(p study.Position, run string, of span) (b study.Batch) {
	after, missed, ok := v.resolve(p, run, of)
	b.Next, b.Run = study.Position{Epoch: v.epoch, Seq: after}, cmp.Or(run, v.newest)
	b.Missed = missed
	b.Ended = ok && missed == 0 && v.over(after, run, of)
	return b
}
