// Package record answers the readers of a journal from the record of a run when the journal cannot. The one idea: the end
// of a run is a batch like any other, at a position of its own epoch, so that the readers need not know where it comes from.
package record

import (
	"context"
	"sync"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// Epoch is that of the positions given here. No journal gives it.
const Epoch = stream.SharedEpoch - 1

// The delays of a reader, and the bounds of what it costs the database.
const (
	lookEvery    = time.Second     // between two looks at the record of a run under way
	reportAfter  = 8 * time.Second // without an event, until a progress event names the reason
	silentAfter  = 4 * time.Second // without an event, until an unreliable journal is doubted
	doubtEvery   = 5 * time.Second // between two looks while the journal seems well
	settledAfter = 2 * time.Second // since a run's end, until a silent journal is taken to have lost it
	lookWithin   = 3 * time.Second // of one look
	maxLooks     = 8               // at a time
)

// Runs are the records of runs, see store.Runs.
type Runs interface {
	RunByID(ctx context.Context, id string) (study.Run, error)
	NewestRun(ctx context.Context, session string) (study.Run, error)
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
}

// Options are what a Journal reads.
type Options struct {
	Journal stream.Keeper
	Runs    Runs
	// Alive reports whether a run's worker may still be at work on it.
	Alive func(study.Run) bool
	// Doubtful, if not nil, says that the journal may stay silent about a run that has ended, and reports whether something is
	// known to be wrong with it now. nil: the journal always answers.
	Doubtful func() bool
}

// Journal is a journal whose readers are answered by the run's record where the journal has lost it or cannot be
// reached: with its end, or while it is under way with a progress event that says so.
type Journal struct {
	stream.Keeper
	o     Options
	start time.Time
	looks chan struct{}
}

// New makes a Journal. It starts nothing.
func New(o Options) *Journal {
	return &Journal{Keeper: o.Journal, o: o, start: time.Now(), looks: make(chan struct{}, maxLooks)}
}

// Since implements stream.Journal.
func (j *Journal) Since(ctx context.Context, q stream.Query) (study.Batch, error) {
	return stream.Wait(ctx, j, q)
}

// Await implements stream.Awaiter. Only a wait that the journal cannot answer takes a goroutine.
func (j *Journal) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	w := &wait{journal: j, q: q, deliver: deliver, began: time.Since(j.start)}
	switch {
	case q.After.Epoch == Epoch:
		go w.consult(study.Batch{}, stream.ErrGone)
		return w.cancel
	case j.o.Doubtful != nil && !q.Peek && !q.NoWait:
		w.timer = time.AfterFunc(silentAfter, w.doubt)
	}
	w.setJournalCancel(j.Keeper.Await(q, w.onJournal))
	return w.cancel
}

// find returns the run that a query asks for: the one it names, or the newest of its session. CodeNotFound if there is
// none, or it is another user's.
func (j *Journal) find(ctx context.Context, q stream.Query) (r study.Run, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	j.looks <- struct{}{}
	defer func() { <-j.looks }()
	if q.Run != "" {
		r, err = j.o.Runs.RunByID(ctx, q.Run)
	} else {
		r, err = j.o.Runs.NewestRun(ctx, q.Session)
	}
	streamed := !r.Ended() || len(r.Outcome) > 0
	if err == nil && (r.SessionID != q.Session || !streamed || q.Owner != "" && r.UserID != q.Owner) {
		err = stream.ErrGone
	}
	return r, err
}

// Settle returns a run as it is: one that nobody works on any more has failed.
func (j *Journal) Settle(ctx context.Context, r study.Run) study.Run {
	if r.Ended() || j.o.Alive(r) {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	known, err := j.Keeper.Since(ctx, stream.Query{Session: r.SessionID, Run: r.ID, Peek: true})
	if err == nil && known.Next != (study.Position{}) && !known.Ended {
		return r // it waits for a takeover
	}
	r.State, r.Outcome = study.RunFailed, study.ErrorFields(stream.ErrBroke)
	_ = j.o.Runs.EndRun(ctx, r, study.Session{}) // tried again by the next reader
	if now, err := j.o.Runs.RunByID(ctx, r.ID); err == nil && now.Ended() {
		return now // it may have ended by itself at this moment
	}
	return r
}

// wait is one reader's wait. There is one for each stream, so it is kept small.
type wait struct {
	journal *Journal
	q       stream.Query
	began   time.Duration // on the clock of the Journal
	timer   *time.Timer   // calls doubt; nil = never

	mu      sync.Mutex
	deliver func(study.Batch, error) // nil = the wait is over
	done    chan struct{}            // closed when the wait is over; nil where nobody waits for that
	leave   func()                   // ends the wait in the journal; nil = not known yet
}

// setJournalCancel notes how to end the wait in the journal, and does so if the wait is over already.
func (w *wait) setJournalCancel(cancel func()) {
	w.mu.Lock()
	w.leave = cancel
	over := w.deliver == nil
	w.mu.Unlock()
	if over {
		cancel()
	}
}

// finish ends the wait. It gives what to deliver to the first time, and nil from then on.
func (w *wait) finish() (deliver func(study.Batch, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deliver == nil {
		return nil
	}
	deliver, w.deliver = w.deliver, nil
	if w.done != nil {
		close(w.done)
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	return deliver
}

// sinceBegin is how long the reader has waited.
func (w *wait) sinceBegin() time.Duration { return time.Since(w.journal.start) - w.began }

// ended gives a channel that is closed when the wait is over. Few waits need one, and there is a wait for each stream.
func (w *wait) ended() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == nil {
		w.done = make(chan struct{})
		if w.deliver == nil {
			close(w.done)
		}
	}
	return w.done
}

func (w *wait) cancel() {
	if w.finish() != nil {
		w.leaveJournal()
	}
}

func (w *wait) leaveJournal() {
	w.mu.Lock()
	leave := w.leave
	w.mu.Unlock()
	if leave != nil {
		leave()
	}
}

func (w *wait) settle(b study.Batch, err error) {
	if deliver := w.finish(); deliver != nil {
		deliver(b, err)
	}
}

// onJournal handles the answer of the journal.
func (w *wait) onJournal(b study.Batch, err error) {
	unknown := err == nil && (w.q.Peek || w.q.NoWait) && b.Next == study.Position{}
	incomplete := err == nil && w.q.Peek && w.journal.o.Doubtful != nil // another instance may have made a newer run while it could not reach the journal
	if unknown || incomplete || study.IsCode(err, study.CodeNotFound) || study.IsCode(err, study.CodeUnavailable) {
		go w.consult(b, err)
		return
	}
	w.settle(b, err)
}
