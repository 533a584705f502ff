package runner

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"studysharper/app/agent"
	"studysharper/app/study"
)

// eventWriter writes the events of one run to its journal, and nothing after the terminal event. The first failure of
// the journal is logged; after it only the terminal event is attempted, because a stream with gaps is useless.
type eventWriter struct {
	writer  Writer
	timeout time.Duration // of one call of the journal
	log     *slog.Logger
	run     string

	quietAfter time.Duration

	mu     sync.Mutex // also serializes the calls of writer
	failed bool
	ended  bool
	last   study.Progress
	quiet  *time.Timer // calls reportQuiet; nil = never
}

func (n *Runner) newEventWriter(w Writer, run string) *eventWriter {
	return &eventWriter{writer: w, timeout: n.o.JournalTimeout, log: n.o.Log, run: run, quietAfter: n.o.QuietAfter}
}

// start sends the start event and starts the quiet timer: a run without events for quietAfter reports that it is still
// at work.
func (w *eventWriter) start(ctx context.Context, session string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet = time.AfterFunc(w.quietAfter, func() { w.reportQuiet(ctx) })
	_ = w.send(ctx, study.KindStart, map[string]string{ // the journal adds the run's id to every event
		"session_id": session, "timestamp": time.Now().UTC().Format(time.RFC3339),
	})
}

// observer returns an Observer that writes the events a client may watch.
func (w *eventWriter) observer(ctx context.Context) agent.Observer {
	return agent.Observer{
		Progress: func(p study.Progress) { w.progress(ctx, p) },
		Token:    func(s string) { w.write(ctx, study.KindToken, map[string]string{"text": s}) },
		Item:     func(i study.Item) { w.write(ctx, study.KindItem, i) },
	}
}

func (w *eventWriter) progress(ctx context.Context, p study.Progress) {
	w.mu.Lock()
	w.last = p
	w.mu.Unlock()
	w.write(ctx, study.KindProgress, map[string]study.Progress{"data": p})
}

// reportQuiet repeats the last progress, so that a client can tell a long answer from a lost connection.
func (w *eventWriter) reportQuiet(ctx context.Context) {
	w.mu.Lock()
	p := w.last
	if w.ended || ctx.Err() != nil {
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	if p.Step == 0 {
		p = study.Progress{Step: 1, TotalSteps: study.TotalSteps, CurrentAgent: "intent_classifier"}
	}
	p.Message, p.Timestamp = "Still at work: the answer is not ready yet", time.Now().UTC().Format(time.RFC3339)
	w.write(ctx, study.KindProgress, map[string]study.Progress{"data": p})
}

// write appends an event that is not terminal.
func (w *eventWriter) write(ctx context.Context, kind study.Kind, fields any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.quiet != nil {
		w.quiet.Reset(w.quietAfter)
	}
	if !w.failed && !w.ended && ctx.Err() == nil {
		_ = w.send(ctx, kind, fields) // append logs the error
	}
}

// completed contains the fields of a complete event.
type completed struct {
	Data            study.Aid        `json:"data"`
	Success         bool             `json:"success"`
	Intent          study.Type       `json:"intent"`
	ExecutionTimeMS int64            `json:"execution_time_ms"`
	Validation      study.Validation `json:"validation"`
	Saved           *study.Saved     `json:"saved"`
	FromCache       bool             `json:"from_cache"`
	CacheAge        *int64           `json:"cache_age_seconds,omitempty"` // if from_cache
	Metadata        study.Metadata   `json:"metadata"`
	Message         string           `json:"message"`
	IgnoredOptions  []string         `json:"ignored_options"`
	Warnings        []string         `json:"warnings"`
}

func newCompleted(out agent.Outcome) completed {
	r := out.Result
	c := completed{Data: r.Data, Success: true, Intent: r.Intent, ExecutionTimeMS: r.Metadata.ExecutionTimeMS,
		Validation: r.Validation, Saved: r.Saved, FromCache: out.FromCache, Metadata: r.Metadata,
		Message: r.Message, IgnoredOptions: r.IgnoredOptions, Warnings: r.Warnings}
	if out.FromCache {
		c.CacheAge = new(int64(out.Age / time.Second))
	}
	return c
}

// end sends the terminal event, at most once and even after the run's deadline.
func (w *eventWriter) end(out agent.Outcome, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	if w.ended = true; w.quiet != nil {
		w.quiet.Stop()
	}
	if err == nil {
		err = w.send(context.Background(), study.KindComplete, newCompleted(out))
	}
	if err != nil {
		_ = w.send(context.Background(), study.KindError, study.ErrorFields(err))
	}
}

// send appends an event. It returns an error only if a smaller event could replace this one: the event cannot be
// encoded or is too large for the journal.
func (w *eventWriter) send(ctx context.Context, kind study.Kind, fields any) error {
	event, err := study.NewEvent(kind, fields)
	if err != nil {
		return err
	}
	if err = w.append(ctx, event); study.IsCode(err, study.CodeTooLarge) || study.IsCode(err, study.CodeInvalid) {
		return err
	}
	return nil
}

// append writes the event to the journal and returns the journal's error.
func (w *eventWriter) append(ctx context.Context, e study.Event) error {
	within, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	err := w.callJournal(func() error { return w.writer.Append(within, e) })
	if ctx.Err() == nil { // otherwise the run has ended, which is not the journal's fault
		w.logFailure(err)
	}
	return err
}

// close sends an error event if no terminal event was sent, and closes the journal.
func (w *eventWriter) close() {
	w.end(agent.Outcome{}, study.Errorf(study.CodeInternal, "something went wrong on our side"))
	w.logFailure(w.callJournal(w.writer.Close))
}

// callJournal recovers from a panic of the journal.
func (w *eventWriter) callJournal(call func() error) (err error) {
	defer agent.RecoverPanic(w.log, w.run, &err)
	return call()
}

func (w *eventWriter) logFailure(err error) {
	if err != nil && !w.failed {
		w.failed = true
		w.log.Error("run journal write failed", "run", w.run, "error", err)
	}
}
