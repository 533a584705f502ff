// Package record answers the readers of a journal from the stored record of a run when the journal cannot. The one
// idea: the end of a run is a batch like any other, at a position in an epoch of its own, so readers need not know
// where it comes from.
package record

import (
	"context"
	"sync"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// Epoch is the epoch of the positions returned here. No journal uses it.
const Epoch = stream.SharedEpoch - 1

// The delays for a reader, and the limits on its database queries.
const (
	lookEvery    = time.Second     // between two queries for a run under way
	reportAfter  = 8 * time.Second // without an event, until a progress event gives the reason
	silentAfter  = 4 * time.Second // without an event, until the record is checked because the journal may be wrong
	doubtEvery   = 5 * time.Second // between two queries while the journal seems healthy
	settledAfter = 2 * time.Second // since a run's end, until a silent journal is assumed to have lost it
	lookWithin   = 3 * time.Second // of one query
	maxLooks     = 8               // concurrent queries
)

// Runs is the store of run records; see store.Runs.
type Runs interface {
	RunByID(ctx context.Context, id string) (study.Run, error)
	NewestRun(ctx context.Context, session string) (study.Run, error)
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
}

// Options configure a Journal.
type Options struct {
	Journal stream.Keeper
	Runs    Runs
	// Alive reports whether a run's worker may still be working on it.
	Alive func(study.Run) bool
	// Doubtful, if not nil, means that the journal may miss the end of a run; it reports whether the journal is known
	// to be faulty now. nil: the journal always answers.
	Doubtful func() bool
}

// Journal wraps a journal. If the wrapped journal has lost a run or cannot be reached, readers are answered from
// the run's record: with its end, or, while it is under way, with a progress event that says so.
type Journal struct {
	stream.Keeper
	o     Options
	looks chan struct{}
}

// New returns a Journal. It starts nothing.
func New(o Options) *Journal {
	return &Journal{Keeper: o.Journal, o: o, looks: make(chan struct{}, maxLooks)}
}

// Since implements stream.Journal.
func (j *Journal) Since(ctx context.Context, q stream.Query) (study.Batch, error) {
	return stream.Wait(ctx, j, q)
}

// Await implements stream.Awaiter. It needs a goroutine only if the journal cannot answer.
func (j *Journal) Await(q stream.Query, deliver func(study.Batch, error)) (cancel func()) {
	w := &wait{journal: j, q: q, deliver: deliver, began: time.Now()}
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

// find returns the run that a query asks for: the named run, or the newest of the session. CodeNotFound if it does not
// exist or belongs to another user.
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

// Settle returns the current state of a run. If no worker is working on it any more, it records the run as failed
// first.
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
	_ = j.o.Runs.EndRun(ctx, r, study.Session{}) // retried by the next reader
	if now, err := j.o.Runs.RunByID(ctx, r.ID); err == nil && now.Ended() {
		return now // the worker may have ended it at this moment
	}
	return r
}

// wait is one reader's wait.
type wait struct {
	journal *Journal
	q       stream.Query
	deliver func(study.Batch, error)
	began   time.Time
	timer   *time.Timer // calls doubt; nil = never

	mu    sync.Mutex
	over  bool
	done  chan struct{} // closed when the wait is over; nil if nothing waits for that
	leave func()        // ends the wait in the journal; nil = not known yet
}

// setJournalCancel stores the function that cancels the wait in the journal, and calls it if the wait is already over.
func (w *wait) setJournalCancel(cancel func()) {
	w.mu.Lock()
	w.leave = cancel
	over := w.over
	w.mu.Unlock()
	if over {
		cancel()
	}
}

// finish ends the wait, and reports whether it was the first to do so.
func (w *wait) finish() (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	w.over = true
	if w.done != nil {
		close(w.done)
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	return true
}

// ended returns a channel that is closed when the wait is over. It is made on demand, because every stream has a wait
// but few need the channel.
func (w *wait) ended() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done == nil {
		w.done = make(chan struct{})
		if w.over {
			close(w.done)
		}
	}
	return w.done
}

func (w *wait) cancel() {
	if w.finish() {
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
	if w.finish() {
		w.deliver(b, err)
	}
}

// onJournal handles the answer of the journal.
func (w *wait) onJournal(b study.Batch, err error) {
	unknown := err == nil && (w.q.Peek || w.q.NoWait) && b.Next == study.Position{}
	incomplete := err == nil && w.q.Peek && w.journal.o.Doubtful != nil // another instance may have started a newer run while it could not reach the journal
	if unknown || incomplete || study.IsCode(err, study.CodeNotFound) || study.IsCode(err, study.CodeUnavailable) {
		go w.consult(b, err)
		return
	}
	w.settle(b, err)
}
