package journal

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// watch is the state of a session for which readers of this process wait. The Journal's lock guards it.
type watch struct {
	queueState
	key     uuid.UUID
	waiters []*waiter
	left    time.Time // when the last waiter left

	// The result of the last read, valid while fresh: no change has been reported since.
	fresh bool
	epoch uint64
	owner string
	head  uint64
	open  bool
	run   string // the newest run
}

// waiter is a reader that waits for events after its position.
type waiter struct {
	in      *watch
	index   int // in in.waiters
	after   study.Position
	run     string // the run that it reads; "" = all runs
	owner   string
	seen    uint64 // epoch of the session when it began to wait; 0 = not known yet
	noWait  bool
	peek    bool
	asked   bool // covered by the read in progress
	done    bool
	deliver func(study.Batch, error)
}

// Await implements stream.Awaiter. A waiter costs about 250 bytes, plus its session's state, and no goroutine. While
// Redis is unreachable, waiters keep waiting; queries that do not wait get CodeUnavailable.
func (j *Journal) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	key, run, err := q.Parse()
	if err != nil {
		deliver(study.Batch{}, err)
		return func() {}
	}
	w := &waiter{after: q.After, run: q.Run, owner: q.Owner, noWait: q.NoWait, peek: q.Peek, deliver: deliver}
	if w.run != "" {
		w.run = run.String() // in the journal's spelling
	}
	if err := j.admitWaiter(w, key); err != nil {
		deliver(study.Batch{}, err)
		return func() {}
	}
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.remove(w)
	}
}

// admitWaiter adds w, and queues a read of its session unless the known state suffices.
func (j *Journal) admitWaiter(w *waiter, key uuid.UUID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.stopped:
		return errStopped
	case j.stats.Readers >= j.o.MaxReaders:
		return errReaders
	case (w.noWait || w.peek) && !j.conn.Up():
		return study.Errorf(study.CodeUnavailable, "Redis does not answer")
	}
	s := j.watches[key]
	if s == nil {
		s = &watch{key: key}
		j.watches[key] = s
	}
	j.stats.Readers++
	w.in, w.index = s, len(s.waiters)
	s.waiters = append(s.waiters, w)
	if s.fresh && s.open && !w.noWait && !w.peek && (w.run == "" || w.run == s.run) && (w.owner == "" || w.owner == s.owner) &&
		w.after == (study.Position{Epoch: s.epoch, Seq: s.head}) {
		w.seen = s.epoch
		return nil
	}
	j.looks.push(s)
	return nil
}

// remove removes w, if it is still waiting.
func (j *Journal) remove(w *waiter) {
	if w.done {
		return
	}
	w.done = true
	j.stats.Readers--
	s := w.in
	last := s.waiters[len(s.waiters)-1]
	last.index = w.index
	s.waiters[w.index] = last
	s.waiters[len(s.waiters)-1] = nil
	s.waiters = s.waiters[:len(s.waiters)-1]
	if len(s.waiters) == 0 {
		s.waiters, s.left = nil, time.Now()
		if len(j.watches) > j.o.MaxReaders {
			j.unwatch(s)
		}
	}
}

// unwatch removes the state of a session without waiters.
func (j *Journal) unwatch(s *watch) {
	if len(s.waiters) == 0 && j.watches[s.key] == s {
		delete(j.watches, s.key)
	}
}

func (j *Journal) settle(w *waiter, b study.Batch, err error, d *due) {
	j.remove(w)
	*d = append(*d, func() { w.deliver(b, err) })
}

// Since implements stream.Journal.
func (j *Journal) Since(ctx context.Context, q stream.Query) (study.Batch, error) {
	return stream.Wait(ctx, j, q)
}

// maxPlaces is how many positions of a session one read can cover.
const maxPlaces = 16

// place is the position of a waiter.
type place struct {
	after study.Position
	run   string
	peek  bool
}

// refresh reads a session once for all of its waiters, and reports whether that worked.
func (j *Journal) refresh(ctx context.Context, s *watch) bool {
	args, runs, hold, some := j.snapshotArgs(s)
	if !some {
		return true
	}
	reply, err := j.call(ctx, j.scripts.read, j.base(s.key), args...)
	if err != nil {
		return j.unread(s, err)
	}
	v, err := parseSnapshot(reply, runs, hold)
	if err != nil {
		return j.unread(s, err)
	}
	var d due
	j.mu.Lock()
	s.fresh = !s.again
	s.epoch, s.owner, s.head, s.open, s.run = v.epoch, v.owner, v.head, v.open > 0, v.newest
	for i := len(s.waiters) - 1; i >= 0; i-- { // backwards, because settle moves the last waiter to the place of the removed one
		w := s.waiters[i]
		if !w.asked {
			s.again = true
			continue
		}
		w.asked = false
		switch b, verdict, err := v.answer(w, j.o.MaxBatchBytes); verdict {
		case answered:
			j.settle(w, b, err, &d)
		case waits:
			if v.epoch != 0 {
				w.seen = v.epoch
			}
		case unknown:
			s.again = true
		}
	}
	j.mu.Unlock()
	d.settle()
	return true
}

// snapshotArgs returns the arguments of a read for the current waiters.
func (j *Journal) snapshotArgs(s *watch) (args []any, runs []string, hold, some bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	hold = j.holding()
	places := make(map[place]struct{}, 4)
	var at []any
	for _, w := range s.waiters {
		p := place{w.after, w.run, w.peek}
		if _, known := places[p]; known {
			w.asked = true
			continue
		}
		if len(places) == maxPlaces {
			continue // covered by the next read
		}
		places[p], w.asked = struct{}{}, true
		if w.run != "" && !slices.Contains(runs, w.run) {
			runs = append(runs, w.run)
		}
		if !w.peek {
			at = append(at, epochText(w.after.Epoch), w.after.Seq, 1+slices.Index(runs, w.run))
		}
	}
	args = []any{s.key.String(), j.o.MaxBatchBytes, flag(hold), len(runs)}
	for _, run := range runs {
		args = append(args, run)
	}
	return append(args, at...), runs, hold, len(s.waiters) > 0
}

// holding reports whether Redis may have an older state of a session than its readers, because a replica became the
// master.
func (j *Journal) holding() bool { return time.Since(j.since) < grace }

// unread answers the queries that do not wait, and reports whether the other waiters will be read when Redis is back.
func (j *Journal) unread(s *watch, err error) bool {
	var d due
	j.mu.Lock()
	s.fresh = false
	for i := len(s.waiters) - 1; i >= 0; i-- {
		w := s.waiters[i]
		w.asked = false
		if w.noWait || w.peek {
			j.settle(w, study.Batch{}, study.AsError(err), &d)
		}
	}
	j.mu.Unlock()
	d.settle()
	return !j.conn.Up()
}
