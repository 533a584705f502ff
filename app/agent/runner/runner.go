// Package runner runs requests on an agent.Orchestrator: it admits a run if there is room, sets its deadline, and
// writes its events to the session's journal until it ends. The one idea: every run that is admitted ends with exactly
// one terminal event, whatever fails.
package runner

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/app/agent"
	"studysharper/app/study"
	"studysharper/app/trace"
)

// Journal opens the journal of a session for one run.
type Journal interface {
	// Begin starts a run's part of the session's journal, or continues it after a takeover. It returns CodeConflict if
	// the session has another open run.
	Begin(ctx context.Context, r Run) (Writer, error)
}

// Run describes a run to a Journal.
type Run struct {
	Session  string
	ID       string
	Owner    string // the user who may watch it
	Request  []byte // for DecodeRequest and Runner.Takeover if this process dies
	Takeover bool   // continue the run of a process that died; a second start event is omitted
	Silent   bool   // only reserve the session for this run until the terminal event
}

// Writer writes the events of one run. It is used by one goroutine at a time.
type Writer interface {
	// Append blocks until the event is accepted or ctx ends. The journal numbers the events.
	Append(ctx context.Context, e study.Event) error
	// Close is called exactly once, after the terminal event or instead of it.
	Close() error
}

// Options limit a Runner. A zero field selects the default.
type Options struct {
	MaxRuns        int           // runs at once in this process; default 64
	Timeout        time.Duration // of one run; default 2 min
	JournalTimeout time.Duration // of one call of the journal; default 5 s

	// Admit is called after the check of MaxRuns, for a limit across several processes. release is called once, when
	// the run ends. Default: always admits.
	Admit func() (release func(), ok bool)
	// Full reports whether Admit would refuse now. It must be cheap and reserve nothing. Default: never full.
	Full func() bool
	// Observe is called when a run has ended, with the time since its admission and its error. It must not block.
	// Default: not called.
	Observe func(took time.Duration, err error)

	// Record stores the runs that Start begins; nil = they are not recorded.
	Record Record

	// QuietAfter is the time without events after which a started run reports that it is still at work. Default 8 s.
	QuietAfter time.Duration

	Log *slog.Logger // default: discards
}

func (o Options) withDefaults() Options {
	o.MaxRuns = cmp.Or(o.MaxRuns, 64)
	o.Timeout = cmp.Or(o.Timeout, 2*time.Minute)
	o.JournalTimeout = cmp.Or(o.JournalTimeout, 5*time.Second)
	o.QuietAfter = cmp.Or(o.QuietAfter, 8*time.Second)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Admit == nil {
		o.Admit = func() (func(), bool) { return func() {}, true }
	}
	if o.Full == nil {
		o.Full = func() bool { return false }
	}
	if o.Observe == nil {
		o.Observe = func(time.Duration, error) {}
	}
	return o
}

// Counts are the counters of a Runner since it was created.
type Counts struct {
	Active    int64 // runs in progress
	Completed int64
	Failed    int64
	Shed      int64 // refused at capacity
}

// Runner limits runs, sets their deadlines, and records how each ends. It starts goroutines only for its runs.
// It is safe for concurrent use.
type Runner struct {
	orchestrator *agent.Orchestrator
	journal      Journal
	o            Options

	active, completed, failed, shed atomic.Int64

	mu       sync.Mutex
	draining bool
	runs     map[*activeRun]struct{}
	idle     chan struct{} // created by Drain, closed when no run is left
	keeping  bool          // keepAlive is running
}

// New makes a Runner. It starts nothing.
func New(orchestrator *agent.Orchestrator, journal Journal, o Options) *Runner {
	return &Runner{orchestrator: orchestrator, journal: journal, o: o.withDefaults(), runs: make(map[*activeRun]struct{})}
}

// Counts returns the current counters.
func (n *Runner) Counts() Counts {
	return Counts{Active: n.active.Load(), Completed: n.completed.Load(), Failed: n.failed.Load(), Shed: n.shed.Load()}
}

// Do executes a request and returns the outcome and the progress, the latter even if the run failed. It blocks for at
// most Options.Timeout. Errors are those of Orchestrator.Run, and CodeOverloaded (with RetryAfter) at capacity,
// CodeUnavailable while draining, CodeConflict if the session has an open run.
func (n *Runner) Do(ctx context.Context, req study.Request) (agent.Outcome, []study.Progress, error) {
	id := agent.NewID()
	ctx, a, err := n.admitCounted(ctx, id)
	if err != nil {
		return agent.Outcome{}, nil, err
	}
	defer n.release(a)
	release, err := n.occupySession(ctx, id, req)
	if err != nil {
		return agent.Outcome{}, nil, err
	}
	defer release()
	ctx = a.traced(ctx, req)
	var progress []study.Progress
	out, err := n.orchestrator.Run(ctx, id, req, agent.Observer{
		Progress: func(p study.Progress) { progress = append(progress, p) },
	})
	n.countEnd(a, err)
	return out, progress, err
}

// Grade calls Orchestrator.GradeAnswers under the limits of runs. Errors are those of Do.
func (n *Runner) Grade(ctx context.Context, req study.Request, answers []study.OpenAnswer) (right map[string]bool, model string, err error) {
	id := agent.NewID()
	ctx, a, err := n.admitCounted(ctx, id)
	if err != nil {
		return nil, "", err
	}
	defer n.release(a)
	ctx = a.traced(ctx, study.Request{Type: study.Grading, Trace: req.Trace})
	right, model, err = n.orchestrator.GradeAnswers(ctx, id, req, answers)
	n.countEnd(a, err)
	return right, model, err
}

// occupySession keeps other runs out of the session that a request names until release is called. A session that was
// created for the request needs no protection.
func (n *Runner) occupySession(ctx context.Context, id string, req study.Request) (release func(), err error) {
	if req.NewSession || req.SessionID == "" {
		return func() {}, nil
	}
	w, err := n.begin(ctx, Run{Session: req.SessionID, ID: id, Owner: req.UserID, Silent: true})
	switch {
	case study.IsCode(err, study.CodeUnavailable), study.IsCode(err, study.CodeOverloaded):
		n.o.Log.Warn("session not reserved for a run: journal unavailable", "run", id, "error", err)
		return func() {}, nil // no other run can be streamed in it either
	case err != nil:
		return nil, err
	}
	e := n.newEventWriter(w, id)
	return func() {
		_ = e.append(context.Background(), study.Event{Kind: study.KindComplete})
		e.ended = true
		e.close()
	}, nil
}

// Cached reports whether the answer to a request is in the cache; see Orchestrator.Cached.
func (n *Runner) Cached(ctx context.Context, req study.Request) bool {
	return n.orchestrator.Cached(ctx, req)
}

// Start begins a run in the background. Its events go to the session's journal: start, progress, and exactly one
// terminal event. Start returns when the journal is open. onEnd, if not nil, is called when an admitted run has ended.
// req.SessionID is required. Errors are those of Do for a run that is not admitted, and CodeUnavailable if the journal
// cannot be opened or the run cannot be recorded. The client of a run that has begun always gets an answer, if only
// from the record.
func (n *Runner) Start(req study.Request, onEnd func()) (runID string, err error) {
	runID = agent.NewID()
	if err = n.start(req, Run{ID: runID, Request: encodeRequest(req)}, n.admitCounted, onEnd); err != nil {
		return "", err
	}
	return runID, nil
}

func (n *Runner) start(req study.Request, r Run, admit admission, onEnd func()) error {
	if req.SessionID == "" {
		return study.Invalid([]study.Fault{{Field: "session_id", Detail: "is required"}})
	}
	ctx, a, err := admit(context.Background(), r.ID)
	if err != nil {
		return err
	}
	r.Session, r.Owner = req.SessionID, req.UserID
	w, err := n.begin(ctx, r)
	if err != nil {
		n.release(a)
		return err
	}
	if err := n.recordBegin(ctx, r, req); err != nil {
		_ = w.Close()
		n.release(a)
		return study.Wrap(err, study.CodeUnavailable, "the request cannot be stored right now")
	}
	n.markRecorded(a)
	go func() {
		n.execute(ctx, a, req, w)
		if onEnd != nil {
			onEnd()
		}
	}()
	return nil
}

func (n *Runner) begin(ctx context.Context, r Run) (w Writer, err error) {
	defer agent.RecoverPanic(n.o.Log, r.ID, &err)
	ctx, cancel := context.WithTimeout(ctx, n.o.JournalTimeout)
	defer cancel()
	w, err = n.journal.Begin(ctx, r)
	return w, study.Wrap(err, study.CodeUnavailable, "the event stream cannot be opened right now")
}

// execute is the body of a started run's goroutine.
func (n *Runner) execute(ctx context.Context, a *activeRun, req study.Request, w Writer) {
	defer n.release(a)
	e := n.newEventWriter(w, a.id)
	defer e.close()
	e.start(ctx, req.SessionID)
	observer := e.observer(ctx)
	if n.o.Record != nil {
		observer.Outcome = encodeOutcome
	}
	ctx = a.traced(ctx, req)
	out, err := n.orchestrator.Run(ctx, a.id, req, observer)
	n.countEnd(a, err)
	if err != nil {
		n.logFailure(ctx, a, err)
	}
	e.end(out, err)
	n.recordEnd(a, req, out, err)
}

func (n *Runner) logFailure(ctx context.Context, a *activeRun, err error) {
	attrs := []any{"run", a.id, "error", err}
	if traced := trace.From(ctx); traced.Valid() {
		attrs = append(attrs, "trace_id", traced.TraceID())
	}
	n.o.Log.Warn("a run failed", attrs...)
}

// traced adds the trace of the request to the run's context, and begins the run's span as its child.
func (a *activeRun) traced(ctx context.Context, req study.Request) context.Context {
	parent, _ := trace.Parse(req.Trace)
	own, span := parent.Begin(trace.Internal, "run "+string(req.Type))
	span.Set("studysharper.run_id", a.id)
	a.span = span
	return trace.With(ctx, own)
}

func (n *Runner) countEnd(a *activeRun, err error) {
	a.span.End(err)
	n.o.Observe(time.Since(a.began), err)
	if err != nil {
		n.failed.Add(1)
		return
	}
	n.completed.Add(1)
}
