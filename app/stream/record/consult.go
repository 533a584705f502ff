package record

import (
	"context"
	"encoding/json"
	"time"

	"studysharper/app/stream"
	"studysharper/app/study"
)

// consult answers from the run's record if there is one; otherwise with the journal's answer.
func (w *wait) consult(b study.Batch, err error) {
	ctx := context.Background()
	r, missing := w.journal.find(ctx, w.q)
	switch {
	case missing != nil, err == nil && w.q.Peek && b.Run >= r.ID:
		w.settle(b, err)
	case w.q.Peek:
		w.settle(study.Batch{Run: r.ID, Missed: 1, Next: study.Position{Epoch: Epoch, Seq: w.q.After.Seq}}, nil)
	case w.q.NoWait && !r.Ended():
		w.settle(study.Batch{Run: r.ID, Next: study.Position{Epoch: Epoch, Seq: w.q.After.Seq}}, nil)
	default:
		w.follow(ctx, r)
	}
}

// follow polls the record until the run has ended, or until it is time to report that the run is still under way.
func (w *wait) follow(ctx context.Context, r study.Run) {
	over := w.ended()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		r = w.journal.Settle(ctx, r)
		switch {
		case r.Ended():
			w.settle(w.end(r), nil)
			return
		case time.Since(w.began) >= reportAfter:
			w.settle(w.progress(r), nil)
			return
		}
		select {
		case <-over:
			return
		case <-tick.C:
		}
		switch found, err := w.journal.find(ctx, w.q); {
		case err == nil:
			r = found
		case study.IsCode(err, study.CodeNotFound):
			w.settle(study.Batch{}, stream.ErrGone)
			return
		}
	}
}

// doubt checks the record because the journal has been silent.
func (w *wait) doubt() {
	again := doubtEvery
	if w.journal.o.Doubtful() {
		again = lookEvery
	}
	if w.answered() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.timer.Reset(again)
	}
}

// answered delivers an answer from the record if the journal should have answered by now, and reports whether it did.
func (w *wait) answered() bool {
	ctx := context.Background()
	r, err := w.journal.find(ctx, w.q)
	if err != nil {
		return false
	}
	r = w.journal.Settle(ctx, r)
	var b study.Batch
	switch {
	case r.Ended() && time.Since(r.EndedAt) >= settledAfter:
		b = w.end(r)
	case !r.Ended() && time.Since(w.began) >= reportAfter+settledAfter:
		b = w.progress(r)
	default:
		return false
	}
	if w.finish() {
		w.leaveJournal()
		w.deliver(b, nil)
	}
	return true
}

// end returns the batch that ends a run: a gap for the missed events, and the terminal event.
func (w *wait) end(r study.Run) study.Batch {
	e := r.Terminal()
	e.Seq = w.q.After.Seq + 2
	return study.Batch{Missed: 1, Events: []study.Event{e}, Run: r.ID, Next: study.Position{Epoch: Epoch, Seq: e.Seq}, Ended: true}
}

// progress returns a batch that says that the run is under way although the journal is silent.
func (w *wait) progress(r study.Run) study.Batch {
	// Marshalling strings and numbers cannot fail.
	fields, _ := json.Marshal(map[string]study.Progress{"data": {Step: 3, TotalSteps: study.TotalSteps, CurrentAgent: "event_journal",
		Message: "Live events are not available right now: the answer follows when it is ready", Percentage: 40, Timestamp: time.Now().UTC().Format(time.RFC3339)}})
	e := study.Event{Kind: study.KindProgress, Seq: w.q.After.Seq + 1, Fields: fields}
	return study.Batch{Events: []study.Event{e}, Run: r.ID, Next: study.Position{Epoch: Epoch, Seq: e.Seq}}
}
