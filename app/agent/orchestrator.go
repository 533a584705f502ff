package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	"studysharper/app/agent/intent"
	"studysharper/app/study"
)

// Orchestrator takes requests through the six steps. It is safe for concurrent use;
// how many run at once is the Runner's to bound.
type Orchestrator struct {
	Deps
	o Options

	mu      sync.Mutex
	flights map[string]*call // answers being made, by key
}

// Classify gives the type that a request is for: its own, unless a chat message
// plainly asks for a study aid.
func Classify(req study.Request) study.Type {
	if req.Type != study.Chat {
		return req.Type
	}
	t, _ := intent.Of(req.Message)
	return t
}

// Run answers one request and blocks until the answer is there and kept. emit, which
// may be nil, gets every progress event (six, in order, and one for each wait that the AI service asks for) and, for a chat, token
// events whose texts joined are the answer; it is called on the caller's goroutine.
//
// The error is a *study.Error: CodeNotFound (a note, or another user's session),
// CodeUnavailable (notes asked for cannot be read; or ctx ended otherwise than by a
// deadline), CodeTimeout, CodeWithheld (safety), CodeUpstreamFailed (the model's
// answer stayed unusable), the model's own, or CodeInternal for a panic, which is
// contained. A cause of ctx that is a *study.Error is returned as it is. What is only
// lost around an answer (context, saving) is told in Result.Warnings.
func (o *Orchestrator) Run(ctx context.Context, req study.Request, emit func(study.Event)) (Outcome, error) {
	return o.runRequest(ctx, newID(), req, eventsTo(emit, o.Log))
}

// observer is told what a client may watch; a nil function is not told.
type observer struct {
	progress func(study.Progress)
	token    func(string)
}

// eventsTo is a watcher that tells emit in events.
func eventsTo(emit func(study.Event), log *slog.Logger) observer {
	if emit == nil {
		return observer{}
	}
	send := func(kind study.Kind, fields any) {
		event, err := study.NewEvent(kind, fields)
		if err != nil {
			log.Error("event write failed", "kind", kind, "error", err)
			return
		}
		emit(event)
	}
	return observer{
		progress: func(p study.Progress) { send(study.KindProgress, map[string]study.Progress{"data": p}) },
		token:    func(s string) { send(study.KindToken, map[string]string{"text": s}) },
	}
}

// run is one request on its way.
type run struct {
	*Orchestrator
	id    string
	req   study.Request
	watch observer
	began time.Time
	step  int // the last one told

	asChat bool // the request came as a chat, whatever it asked for
	known  promptContext
	brief  study.Brief
	key    string // of the answer in the cache
	tokens int
	model  string
	cut    study.Cut // of the answer
}

func (o *Orchestrator) runRequest(ctx context.Context, id string, req study.Request, w observer) (out Outcome, err error) {
	r := &run{Orchestrator: o, id: id, req: req, watch: w, began: time.Now(), asChat: req.Type == study.Chat}
	defer recoverPanic(o.Log, id, &err) // of record
	defer func() { r.recordExecution(err) }()
	defer func() { err = classifyEnd(ctx, err) }()
	defer recoverPanic(o.Log, id, &err)
	return r.answer(ctx)
}

// answer goes through the steps. Steps 4 and 5 are told where they happen; a cached
// or shared answer has them behind it already.
func (r *run) answer(ctx context.Context) (Outcome, error) {
	r.emitProgress(1)
	r.classify()
	r.emitProgress(2)
	if err := r.fetchContext(ctx); err != nil {
		return Outcome{}, err
	}
	r.emitProgress(3)
	got, err := r.coalesce(ctx)
	if err != nil {
		return Outcome{}, err
	}
	r.emitProgress(study.TotalSteps)
	return r.format(ctx, got), nil
}

// classify settles the type. A number in a message that asks for
// an aid counts as the option would.
func (r *run) classify() {
	r.req = r.req.InSession(newID)
	t, count := r.req.Type, 0
	if r.asChat {
		t, count = intent.Of(r.req.Message)
	}
	o := &r.req.Options
	if t != study.Chat && count > 0 && study.Asked(t, *o) == 0 {
		o.Count, o.QuestionCount = count, count
	}
	r.req = r.req.As(t)
}

// agents name who does the task of a type.
var agents = map[study.Type]string{
	study.Chat:       "chat_agent",
	study.Flashcards: "flashcard_generator",
	study.Quiz:       "quiz_generator",
	study.Exam:       "exam_generator",
	study.Summary:    "summary_generator",
	study.Analysis:   "note_analyzer",
	study.Plan:       "study_planner",
}

// steps are what a student is told of each step.
var steps = [study.TotalSteps + 1]struct {
	agent, message string
	percentage     int
}{
	1: {"intent_classifier", "Understanding the request", 5},
	2: {"context_gatherer", "Gathering notes and conversation", 20},
	3: {"", "Working on the answer", 40},
	4: {"validator", "Checking the answer", 75},
	5: {"safety_checker", "Checking safety", 85},
	6: {"formatter", "Putting the answer together", 100},
}

// emitProgress reports the steps up to n that have not been told yet.
func (r *run) emitProgress(n int) {
	for r.step < n {
		r.step++
		r.report(steps[r.step].message)
	}
}

// tellWait reports, within the step, why nothing happens for now.
func (r *run) tellWait(d time.Duration) {
	r.report("The AI service asks us to wait " + study.Wait(d))
}

// report sends a progress event of the current step.
func (r *run) report(message string) {
	if r.watch.progress == nil {
		return
	}
	s := steps[r.step]
	r.watch.progress(study.Progress{
		Step: r.step, TotalSteps: study.TotalSteps, CurrentAgent: cmp.Or(s.agent, agents[r.req.Type]), Message: message,
		Percentage: s.percentage, Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	})
}

// recordExecution notes the run for the operator's metrics.
func (r *run) recordExecution(err error) {
	e := study.Execution{
		RunID: r.id, UserID: r.req.UserID, SessionID: r.req.SessionID, Type: r.req.Type, Success: err == nil,
		Millis: time.Since(r.began).Milliseconds(), Tokens: r.tokens, Model: r.model, CreatedAt: r.began.UTC(),
	}
	if err != nil {
		e.ErrorCode = study.AsError(err).Code
	}
	r.Store.RecordExecution(e)
}

// classifyEnd says why ctx ended, if it did and err is not nil; otherwise it gives err as
// a *study.Error.
func classifyEnd(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		return study.AsError(err)
	}
	cause := context.Cause(ctx)
	if e, ok := errors.AsType[*study.Error](cause); ok {
		return e
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		return &study.Error{Code: study.CodeTimeout, Message: "the run took longer than it may", Cause: cause}
	}
	return &study.Error{Code: study.CodeUnavailable, Message: "the run was cancelled", Cause: cause}
}

// recoverPanic turns a panic into an error and logs where it happened. Of its value only
// what the runtime says is logged: another's may hold a student's text.
func recoverPanic(log *slog.Logger, runID string, err *error) {
	v := recover()
	if v == nil {
		return
	}
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	log.Error("panic in a run", "run", runID, "panic", what, "stack", string(debug.Stack()))
	*err = &study.Error{Code: study.CodeInternal, Message: "something went wrong on our side",
		Cause: fmt.Errorf("panic in run %s: %s", runID, what)}
}

func isCode(err error, code study.Code) bool {
	e, ok := errors.AsType[*study.Error](err)
	return ok && e.Code == code
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
