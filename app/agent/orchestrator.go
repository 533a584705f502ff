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

// Orchestrator takes requests through the six steps. It is safe for concurrent use; package runner limits how many run
// at once.
type Orchestrator struct {
	deps    Deps
	options Options

	longTexts chan struct{} // semaphore for the built-in engine's long texts; see task.generateParts

	mu      sync.Mutex         // guards flights
	flights map[string]*flight // answers being made, by key
}

// run is one request on its way through the steps. It belongs to the goroutine that called Run; goroutines that may
// outlive it get copies of values.
type run struct {
	id       string
	req      study.Request
	fromChat bool // the request came as a chat, whatever type it turned out to be
	observer Observer
	began    time.Time
	step     int // last step reported

	usage study.Usage
	model string
}

// Run answers one request under the given run id. It blocks until the answer is complete and saved.
//
// The error is a *study.Error: CodeNotFound (a note, or another user's session), CodeUnavailable (named notes cannot be
// read, or ctx was cancelled), CodeTimeout, CodeWithheld (safety), CodeUpstreamFailed (the model's answer stayed
// unusable), the model's own error, or CodeInternal for a recovered panic. If the cause of ctx is a *study.Error, Run
// returns it unchanged. Partial failures (context, saving) are listed in Result.Warnings.
func (o *Orchestrator) Run(ctx context.Context, id string, req study.Request, observer Observer) (out Outcome, err error) {
	r := &run{id: id, req: req, fromChat: req.Type == study.Chat, observer: observer, began: time.Now()}
	defer RecoverPanic(o.deps.Log, id, &err) // catches panics of RecordExecution
	defer func() { o.deps.Store.RecordExecution(r.execution(err)) }()
	defer func() { err = classifyEnd(ctx, err) }()
	defer RecoverPanic(o.deps.Log, id, &err)
	return o.answer(ctx, r)
}

// answer goes through the steps. Steps 4 and 5 are reported where they happen; a cached or shared answer has already
// been through them.
func (o *Orchestrator) answer(ctx context.Context, r *run) (Outcome, error) {
	r.reportStep(1)
	r.classify()
	r.reportStep(2)
	known, err := (&contextReader{o.deps, o.options, r.id, r.req, r.fromChat}).fetch(ctx)
	if err != nil {
		return Outcome{}, err
	}
	r.req = known.req
	r.reportStep(3)
	t := o.newTask(ctx, r.id, known, r.observer.watches(known.brief.Type))
	got, err := o.coalesce(ctx, r, t)
	if err != nil {
		return Outcome{}, err
	}
	r.reportStep(study.TotalSteps)
	return o.finish(ctx, r, t, known.warnings, got), nil
}

// Cached reports whether the answer to a request is in the cache, so that it needs no call of the model.
func (o *Orchestrator) Cached(ctx context.Context, req study.Request) bool {
	r := &run{req: req, fromChat: req.Type == study.Chat}
	r.classify()
	known, err := (&contextReader{o.deps, o.options, "", r.req, r.fromChat}).fetch(ctx)
	if err != nil || req.NoCache {
		return false
	}
	_, ok := o.newTask(ctx, "", known, false).loadAnswer(ctx)
	return ok
}

func (o *Orchestrator) newTask(ctx context.Context, runID string, known promptContext, watched bool) task {
	t := task{brief: known.brief, deps: o.deps, options: o.options, longTexts: o.longTexts, runID: runID, used: known.used, passages: known.passages, notes: known.notes,
		user: known.req.UserID, clients: known.req.Clients, noCache: known.req.NoCache, watched: watched}
	if t.brief.Type != study.Chat {
		size := 0
		for _, d := range t.brief.Documents {
			size += len(d.Text)
		}
		t.plan = newPlan(t.brief, t.used, o.options.room(ctx, t.brief, size), o.options.maxParts(t.brief))
	}
	t.key = t.answerKey()
	return t
}

// classify determines the type. A number in a message that asks for an aid is used like the option.
func (r *run) classify() {
	r.req = r.req.InSession(NewID)
	t, count := r.req.Type, 0
	if r.fromChat {
		t, count = intent.Of(r.req.Message)
	}
	o := &r.req.Options
	if t != study.Chat && count > 0 && study.Asked(t, *o) == 0 {
		o.Count, o.QuestionCount = count, count
	}
	r.req = r.req.As(t)
}

// agents are the agent names in progress events, by the type of the request.
var agents = map[study.Type]string{
	study.Chat:       "chat_agent",
	study.Flashcards: "flashcard_generator",
	study.Quiz:       "quiz_generator",
	study.Exam:       "exam_generator",
	study.Summary:    "summary_generator",
	study.Analysis:   "note_analyzer",
	study.Plan:       "study_planner",
}

// steps are the progress events of the steps.
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

// reportStep reports the steps up to n that have not been reported yet.
func (r *run) reportStep(n int) {
	for r.step < n {
		r.step++
		r.report(steps[r.step].message)
	}
}

// reportPart reports how much of a long text has been read, as a percentage between those of steps 3 and 4.
func (r *run) reportPart(part, parts int) {
	from, to := steps[3].percentage, steps[4].percentage
	r.reportAt(fmt.Sprintf("Read %d of %d parts of the text", part, parts), from+(to-from)*part/(parts+1))
}

// reportWait explains, within the current step, why nothing happens for a while.
func (r *run) reportWait(d time.Duration) {
	r.report("The AI service asks us to wait " + study.Wait(d))
}

// report sends a progress event of the current step.
func (r *run) report(message string) { r.reportAt(message, steps[r.step].percentage) }

func (r *run) reportAt(message string, percentage int) {
	if r.observer.Progress == nil {
		return
	}
	s := steps[r.step]
	r.observer.Progress(study.Progress{
		Step: r.step, TotalSteps: study.TotalSteps, CurrentAgent: cmp.Or(s.agent, agents[r.req.Type]), Message: message,
		Percentage: percentage, Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	})
}

// execution describes the run for the operator's metrics.
func (r *run) execution(err error) study.Execution {
	e := study.Execution{
		RunID: r.id, UserID: r.req.UserID, SessionID: r.req.SessionID, Type: r.req.Type, Success: err == nil,
		Millis: time.Since(r.began).Milliseconds(), Tokens: r.usage.Tokens.Total, Cost: r.usage.Cost, Model: r.model, CreatedAt: r.began.UTC(),
	}
	if err != nil {
		e.ErrorCode = study.AsError(err).Code
	}
	return e
}

// classifyEnd converts an error to a *study.Error. If ctx has ended, it returns the reason for that instead. A nil
// error stays nil.
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
		return &study.Error{Code: study.CodeTimeout, Message: "the run timed out", Cause: cause}
	}
	return &study.Error{Code: study.CodeUnavailable, Message: "the run was cancelled", Cause: cause}
}

// RecoverPanic must be deferred. It turns a panic into a CodeInternal error and logs the stack. The panic's value is
// logged only if it comes from the runtime: any other value may contain a student's text.
func RecoverPanic(log *slog.Logger, runID string, err *error) {
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

// NewID returns a UUID for a run or a session; later ones sort after earlier ones.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
