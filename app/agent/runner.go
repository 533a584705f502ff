package agent

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/app/study"
)

// Journal opens the journal of a session for one run.
type Journal interface {
	// Begin starts a run's part of the session's journal, or goes on with it. A session
	// in which another run is open is CodeConflict.
	Begin(ctx context.Context, r Run) (Writer, error)
}

// Run is what a journal is told of a run.
type Run struct {
	Session  string
	ID       string
	Owner    string // the user who may watch it
	Request  []byte // for DecodeRequest and Runner.Takeover, should this process die
	Takeover bool   // go on where the process that died was; a second start event is left out
	Silent   bool   // the run only keeps others out of its session, until its terminal event
}

// Writer takes the events of one run. It is used by one goroutine at a time.
type Writer interface {
	// Append blocks until the event is taken or ctx ends. The event's Seq is the
	// journal's to give.
	Append(ctx context.Context, e study.Event) error
	// Close is called once, after the terminal event or in its place.
	Close() error
}

// RunnerOptions bound a Runner. A zero field takes the default.
type RunnerOptions struct {
	MaxRuns        int           // runs at once in this process; default 64
	Timeout        time.Duration // one run; default 2 min
	JournalTimeout time.Duration // one call of the journal; default 5 s

	// Admit is asked after MaxRuns, for a bound that holds over several processes;
	// release is called once when the run ends. Default: always.
	Admit func() (release func(), ok bool)
	// Full reports whether Admit would refuse now, at no more cost than a look; it takes no
	// place. Default: never.
	Full func() bool
	// Observe is told of each run that has ended: how long it took since it was let in,
	// and how it ended. It must not block. Default: nobody.
	Observe func(took time.Duration, err error)
}

// Counts are a Runner's numbers since it was made.
type Counts struct {
	Active    int64 // runs going on now
	Completed int64
	Failed    int64
	Shed      int64 // refused at capacity
}

// Runner bounds runs, times them, and sees each to its end. Its runs are the only
// goroutines it has. It is safe for concurrent use.
type Runner struct {
	orchestrator *Orchestrator
	journal      Journal
	o            RunnerOptions

	active, completed, failed, shed atomic.Int64

	mu       sync.Mutex
	draining bool
	going    map[*activeRun]struct{}
	idle     chan struct{} // made by Drain, closed when nothing goes on
}

// activeRun is a run that was let in.
type activeRun struct {
	run     string
	began   time.Time
	cancel  context.CancelCauseFunc
	release func()
}

// NewRunner makes a Runner. It starts nothing.
func NewRunner(orchestrator *Orchestrator, journal Journal, o RunnerOptions) *Runner {
	orDefault(&o.MaxRuns, 64)
	orDefault(&o.Timeout, 2*time.Minute)
	orDefault(&o.JournalTimeout, 5*time.Second)
	if o.Admit == nil {
		o.Admit = func() (func(), bool) { return func() {}, true }
	}
	if o.Full == nil {
		o.Full = func() bool { return false }
	}
	if o.Observe == nil {
		o.Observe = func(time.Duration, error) {}
	}
	return &Runner{orchestrator: orchestrator, journal: journal, o: o, going: make(map[*activeRun]struct{})}
}

// Counts gives the numbers now.
func (n *Runner) Counts() Counts {
	return Counts{Active: n.active.Load(), Completed: n.completed.Load(), Failed: n.failed.Load(), Shed: n.shed.Load()}
}

// Do runs a request to its end and gives its progress too, also when it failed. It
// blocks for at most RunnerOptions.Timeout. Errors are Orchestrator.Run's, and
// CodeOverloaded (with RetryAfter) above a bound, CodeUnavailable while draining,
// CodeConflict for a session that has a run already.
func (n *Runner) Do(ctx context.Context, req study.Request) (Outcome, []study.Progress, error) {
	id := newID()
	ctx, g, err := n.admitCounted(ctx, id)
	if err != nil {
		return Outcome{}, nil, err
	}
	defer n.release(g)
	release, err := n.occupy(ctx, id, req)
	if err != nil {
		return Outcome{}, nil, err
	}
	defer release()
	var told []study.Progress
	out, err := n.orchestrator.runRequest(ctx, id, req, observer{
		progress: func(p study.Progress) { told = append(told, p) },
	})
	n.countOutcome(g, err)
	return out, told, err
}

// occupy keeps other runs out of the session that a request names, until release, which
// returns when they may begin. A session that was made for the request has no others.
func (n *Runner) occupy(ctx context.Context, id string, req study.Request) (release func(), err error) {
	if req.NewSession || req.SessionID == "" {
		return func() {}, nil
	}
	w, err := n.begin(ctx, Run{Session: req.SessionID, ID: id, Owner: req.UserID, Silent: true})
	switch {
	case isCode(err, study.CodeUnavailable), isCode(err, study.CodeOverloaded):
		n.orchestrator.Log.Warn("session not reserved for a run: journal unavailable", "run", id, "error", err)
		return func() {}, nil // nothing can be streamed in it either
	case err != nil:
		return nil, err
	}
	l := &eventWriter{writer: w, timeout: n.o.JournalTimeout, log: n.orchestrator.Log, run: id}
	return func() {
		_ = l.append(context.Background(), study.Event{Kind: study.KindComplete})
		l.ended = true
		l.close()
	}, nil
}

// Start begins a run in the background, with events in the session's journal: start,
// what happens, and exactly one terminal event, whatever becomes of the run. It
// returns when the journal is open, and calls ended when the run has ended. req.SessionID is required. Errors are Do's
// for a run that is not let in, and CodeUnavailable when there is no journal; ended is not called then.
func (n *Runner) Start(req study.Request, ended ...func()) (runID string, err error) {
	runID = newID()
	if err = n.start(req, Run{ID: runID, Request: encodeRequest(req)}, n.admitCounted, ended...); err != nil {
		return "", err
	}
	return runID, nil
}

func (n *Runner) start(req study.Request, r Run, enter admission, ended ...func()) error {
	if req.SessionID == "" {
		return study.Invalid([]study.Fault{{Field: "session_id", Detail: "is required"}})
	}
	ctx, g, err := enter(context.Background(), r.ID)
	if err != nil {
		return err
	}
	r.Session, r.Owner = req.SessionID, req.UserID
	w, err := n.begin(ctx, r)
	if err != nil {
		n.release(g)
		return err
	}
	go func() {
		n.execute(ctx, g, r.ID, req, w)
		for _, tell := range ended {
			tell()
		}
	}()
	return nil
}

func (n *Runner) begin(ctx context.Context, r Run) (w Writer, err error) {
	defer recoverPanic(n.orchestrator.Log, r.ID, &err)
	ctx, cancel := context.WithTimeout(ctx, n.o.JournalTimeout)
	defer cancel()
	w, err = n.journal.Begin(ctx, r)
	return w, study.Wrap(err, study.CodeUnavailable, "the event stream cannot be opened right now")
}

// execute is a started run's goroutine.
func (n *Runner) execute(ctx context.Context, g *activeRun, id string, req study.Request, w Writer) {
	defer n.release(g)
	l := &eventWriter{writer: w, timeout: n.o.JournalTimeout, log: n.orchestrator.Log, run: id}
	defer l.close()
	l.start(ctx, req.SessionID)
	out, err := n.orchestrator.runRequest(ctx, id, req, eventsTo(func(e study.Event) { l.write(ctx, e) }, l.log))
	n.countOutcome(g, err)
	if err != nil {
		l.log.Warn("a run failed", "run", id, "error", err)
	}
	l.end(out, err)
}

func (n *Runner) countOutcome(g *activeRun, err error) {
	n.o.Observe(time.Since(g.began), err)
	if err != nil {
		n.failed.Add(1)
		return
	}
	n.completed.Add(1)
}

// admission is a way in for a run: admitCounted or admit.
type admission func(ctx context.Context, run string) (context.Context, *activeRun, error)

// admitCounted is admit for runs that count as shed when they are refused at capacity.
func (n *Runner) admitCounted(ctx context.Context, run string) (context.Context, *activeRun, error) {
	ctx, g, err := n.admit(ctx, run)
	if isCode(err, study.CodeOverloaded) {
		n.shed.Add(1)
	}
	return ctx, g, err
}

// admit lets a run in, under the bounds, and gives it its time.
func (n *Runner) admit(ctx context.Context, run string) (context.Context, *activeRun, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.draining {
		return nil, nil, errDraining()
	}
	release, ok := func() {}, len(n.going) < n.o.MaxRuns
	if ok {
		release, ok = n.o.Admit()
	}
	if !ok {
		return nil, nil, errOverloaded()
	}
	ctx, cancelCause := context.WithCancelCause(ctx)
	ctx, cancel := context.WithTimeoutCause(ctx, n.o.Timeout, study.Errorf(study.CodeTimeout, "the run took longer than it may"))
	g := &activeRun{run: run, began: time.Now(), cancel: cancelCause, release: func() { cancel(); release() }}
	n.going[g] = struct{}{}
	n.active.Add(1)
	return ctx, g, nil
}

func (n *Runner) release(g *activeRun) {
	g.cancel(nil)
	g.release()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.going, g)
	n.active.Add(-1)
	if n.idle != nil && len(n.going) == 0 {
		close(n.idle)
		n.idle = nil
	}
}

// Cancel ends a run now, with a retryable error event; it reports whether it goes on.
func (n *Runner) Cancel(run string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for g := range n.going {
		if g.run == run {
			g.cancel(study.Errorf(study.CodeUnavailable, "the run was cancelled"))
			return true
		}
	}
	return false
}

// RejectIfFull returns the error that Do and Start would return at capacity, and counts it as
// they do; nil where there may be room, which they decide. It is for callers that have not
// read the body yet: under load, reading a request only to refuse it costs more than the refusal.
func (n *Runner) RejectIfFull() error {
	if n.active.Load() < int64(n.o.MaxRuns) && !n.o.Full() {
		return nil
	}
	n.shed.Add(1)
	return errOverloaded()
}

func errOverloaded() *study.Error {
	return &study.Error{Code: study.CodeOverloaded, Message: "too many requests are being worked on; try again soon", RetryAfter: retryDelay()}
}

// retryDelay is one second, plus up to four, so that those turned away together do
// not come back together.
func retryDelay() time.Duration {
	return time.Second + rand.N(4*time.Second+1)
}
