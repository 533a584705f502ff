package agent

import (
	"context"
	"log/slog"
	"time"

	"studysharper/app/study"
)

// eventWriter is the way of one run's events into its journal. It sends one terminal event
// and nothing after it. A journal that fails is told once in the log; from then on
// only the terminal event is tried, for a stream with a hole helps nobody.
type eventWriter struct {
	writer  Writer
	timeout time.Duration
	log     *slog.Logger
	run     string
	failed  bool
	ended   bool
}

func (l *eventWriter) start(ctx context.Context, session string) {
	_ = l.send(ctx, study.KindStart, map[string]string{ // the journal adds the run's id, as to every event
		"session_id": session, "timestamp": time.Now().UTC().Format(time.RFC3339),
	})
}

// write passes on what is not terminal.
func (l *eventWriter) write(ctx context.Context, e study.Event) {
	if l.failed || l.ended || e.Kind.Terminal() || ctx.Err() != nil {
		return
	}
	_ = l.append(ctx, e) // told in the log
}

// completed are the fields of a complete event.
type completed struct {
	Data            study.Aid        `json:"data"`
	Success         bool             `json:"success"`
	Intent          study.Type       `json:"intent"`
	ExecutionTimeMS int64            `json:"execution_time_ms"`
	Validation      study.Validation `json:"validation"`
	Saved           *study.Saved     `json:"saved"`
	FromCache       bool             `json:"from_cache"`
	CacheAge        *int64           `json:"cache_age_seconds,omitempty"` // where from_cache
	Metadata        study.Metadata   `json:"metadata"`
	Message         string           `json:"message"`
	IgnoredOptions  []string         `json:"ignored_options"`
	Warnings        []string         `json:"warnings"`
}

// ageInSeconds is that of a cached answer; nil = it was made for this run.
func (o Outcome) ageInSeconds() *int64 {
	if !o.FromCache {
		return nil
	}
	return new(int64(o.Age / time.Second))
}

// failed are the fields of an error event.
type failed struct {
	Error      string     `json:"error"`
	Code       study.Code `json:"code"`
	Retryable  bool       `json:"retryable"`
	RetryAfter int64      `json:"retry_after_seconds,omitempty"` // where it is known
}

// end sends the terminal event: once, and also when the run's own time is over.
func (l *eventWriter) end(out Outcome, err error) {
	if l.ended {
		return
	}
	l.ended = true
	if err == nil {
		r := out.Result
		err = l.send(context.Background(), study.KindComplete, completed{
			Data: r.Data, Success: true, Intent: r.Intent, ExecutionTimeMS: r.Metadata.ExecutionTimeMS,
			Validation: r.Validation, Saved: r.Saved, FromCache: out.FromCache, CacheAge: out.ageInSeconds(), Metadata: r.Metadata,
			Message: r.Message, IgnoredOptions: r.IgnoredOptions, Warnings: r.Warnings,
		})
	}
	if err != nil {
		e := study.AsError(err)
		_ = l.send(context.Background(), study.KindError, failed{Error: e.Message, Code: e.Code.Public(), Retryable: e.Retryable(),
			RetryAfter: int64((e.RetryAfter + time.Second - 1) / time.Second)})
	}
}

// send writes and appends an event. It fails only when a smaller event could take
// its place: it cannot be written down, or is too large for the journal.
func (l *eventWriter) send(ctx context.Context, kind study.Kind, fields any) error {
	event, err := study.NewEvent(kind, fields)
	if err != nil {
		return err
	}
	if err = l.append(ctx, event); isCode(err, study.CodeTooLarge) || isCode(err, study.CodeInvalid) {
		return err
	}
	return nil
}

// append gives the event to the journal, and says what that said.
func (l *eventWriter) append(ctx context.Context, e study.Event) error {
	within, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	err := l.callJournal(func() error { return l.writer.Append(within, e) })
	if ctx.Err() == nil { // otherwise the run was ended meanwhile: no fault of the journal
		l.noteFailure(err)
	}
	return err
}

// close ends the line, with an error event where none was sent, and lets go of the journal.
func (l *eventWriter) close() {
	l.end(Outcome{}, study.Errorf(study.CodeInternal, "something went wrong on our side"))
	l.noteFailure(l.callJournal(l.writer.Close))
}

// callJournal keeps a panic of the journal away from the run.
func (l *eventWriter) callJournal(call func() error) (err error) {
	defer recoverPanic(l.log, l.run, &err)
	return call()
}

func (l *eventWriter) noteFailure(err error) {
	if err != nil && !l.failed {
		l.failed = true
		l.log.Error("run journal write failed", "run", l.run, "error", err)
	}
}
