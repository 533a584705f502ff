package agent

import (
	"context"
	"time"

	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

// task is the input of one answer. It contains only values, so that the goroutine that makes the answer cannot read the
// run that started it.
type task struct {
	brief     study.Brief
	deps      Deps
	options   Options
	runID     string // for the log
	key       string // of the answer in the cache
	used      study.ContextUsed
	plan      plan            // how the texts of an aid are read
	passages  []study.Passage // of a chat's material
	notes     notesVersion
	user      string // the user whom the answer is for
	clients   []string
	noCache   bool
	longTexts chan struct{}
	watched   bool              // a client sees the answer while it is made
	sources   *validate.Sources // set by generate
}

// flight is one answer being made, in its own goroutine, for every run that waits for it. It is cancelled when the last
// of these runs leaves, even if the run that started it left earlier.
type flight struct {
	key     string
	user    string        // the user for whom it was started
	signals chan signal   // to the run that started it; unbuffered
	alone   chan struct{} // closed when that run no longer listens
	done    chan struct{} // closed when draft, usage and err are set
	cancel  context.CancelCauseFunc
	waiters int // guarded by Orchestrator.mu

	draft *draft
	usage study.Usage
	err   error
}

// signal is a step reached, a part of the text that was read, a delay that the AI service requested, a finished item,
// or a piece of a chat's text.
type signal struct {
	step  int
	part  int // parts read so far
	parts int
	wait  time.Duration
	item  *study.Item
	token string
}

// answer is a draft and where it came from.
type answer struct {
	*draft
	cached   bool
	maker    string // cached: tag of the user it was made for
	received bool   // cached, and the user has received it before
	age      time.Duration
}

// coalesce returns the task's answer: from the cache, from another run that is making it, or by making it.
func (o *Orchestrator) coalesce(ctx context.Context, r *run, t task) (answer, error) {
	if !t.noCache {
		if got, ok := t.loadAnswer(ctx); ok {
			r.model = got.model
			r.emitWhole(got.draft)
			got.received = t.noteReceived(ctx, got.maker)
			return got, nil
		}
	}
	f, leads := o.join(ctx, t)
	defer o.leave(f)
	err := r.await(ctx, f, leads)
	if leads && f.isDone() {
		r.usage = f.usage
	}
	if err != nil && !leads && isLimit(err) && ctx.Err() == nil {
		return o.coalesce(ctx, r, t) // the limit was that of another client
	}
	if err != nil {
		return answer{}, err
	}
	r.model = f.draft.model
	if !leads {
		r.emitWhole(f.draft)
		t.noteReceived(ctx, makerTag(f.user))
	}
	return answer{draft: f.draft}, nil
}

// isLimit reports whether the error is a limit of the client that asked first.
func isLimit(err error) bool {
	return study.IsCode(err, study.CodeRateLimited) || study.IsCode(err, study.CodeBudget)
}

// emitWhole sends a chat's text as one token if it was not streamed to this run.
func (r *run) emitWhole(d *draft) {
	if reply, ok := d.aid.(*study.Reply); ok && r.observer.Token != nil {
		r.observer.Token(reply.Response)
	}
}

// join returns the flight that is making the answer, or starts one. A run that bypasses the cache does not join a
// running flight either.
func (o *Orchestrator) join(ctx context.Context, t task) (f *flight, leads bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f = o.flights[t.key]; f != nil && !t.noCache {
		f.waiters++
		return f, false
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	f = &flight{key: t.key, user: t.user, cancel: cancel, waiters: 1,
		signals: make(chan signal), alone: make(chan struct{}), done: make(chan struct{})}
	if o.flights[t.key] == nil {
		o.flights[t.key] = f
	}
	go func() {
		f.run(ctx, t)
		o.mu.Lock()
		o.forget(f)
		o.mu.Unlock()
		close(f.done)
	}()
	return f, true
}

// leave must be called once by each run that joined; the last call cancels the flight.
func (o *Orchestrator) leave(f *flight) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		o.forget(f)
		f.cancel(nil)
	}
}

// forget removes a flight, so that no other run joins it. The caller holds mu.
func (o *Orchestrator) forget(f *flight) {
	if o.flights[f.key] == f {
		delete(o.flights, f.key)
	}
}

// await waits for the end of the flight or of ctx. Meanwhile the leading run reports the flight's signals on its own
// goroutine.
func (r *run) await(ctx context.Context, f *flight, leads bool) error {
	var signals chan signal
	if leads {
		signals = f.signals
		defer close(f.alone)
	}
	for {
		select {
		case s := <-signals:
			switch {
			case s.step > 0:
				r.reportStep(s.step)
			case s.parts > 0:
				r.reportPart(s.part, s.parts)
			case s.wait > 0:
				r.reportWait(s.wait)
			case s.item != nil:
				r.observer.Item(*s.item)
			default:
				r.observer.Token(s.token)
			}
		case <-f.done:
			return f.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run makes the answer within AnswerTimeout.
func (f *flight) run(ctx context.Context, t task) {
	defer RecoverPanic(t.deps.Log, t.runID, &f.err)
	late := study.Errorf(study.CodeTimeout, "the answer timed out")
	ctx, cancel := context.WithTimeoutCause(ctx, t.options.AnswerTimeout, late)
	defer cancel()
	f.draft, f.usage, f.err = t.generateOnce(ctx, f.send)
	f.err = classifyEnd(ctx, f.err)
}

// send delivers a signal while the leading run listens.
func (f *flight) send(s signal) {
	select {
	case f.signals <- s:
	case <-f.alone:
	}
}

func (f *flight) isDone() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// locker is implemented by a Cache that several processes share. If several callers miss the same key at the same time,
// AcquireOrWait makes one of them the leader and blocks the others until the leader is done. For them, lead is false if
// the leader stored a value. done does not block.
type locker interface {
	AcquireOrWait(ctx context.Context, key string) (lead bool, done func())
}

// generateOnce makes the answer and caches it, unless another process is making it; then it waits for that answer. The
// built-in engine skips this, because it answers faster than a lock is acquired.
func (t task) generateOnce(ctx context.Context, send func(signal)) (*draft, study.Usage, error) {
	if shared, ok := t.deps.Cache.(locker); ok && !t.noCache && !t.options.Deterministic {
		lead, done := shared.AcquireOrWait(ctx, t.key)
		defer done() // when the answer is cached
		if !lead {
			if got, ok := t.loadAnswer(ctx); ok {
				if reply, ok := got.aid.(*study.Reply); ok && t.watched {
					send(signal{token: reply.Response})
				}
				return got.draft, study.Usage{}, nil
			}
		}
	}
	if t.deps.Spend != nil {
		if err := t.deps.Spend(ctx, t.user, t.clients); err != nil {
			return nil, study.Usage{}, err
		}
	}
	d, usage, err := t.generate(ctx, send)
	if err == nil {
		t.cacheAnswer(ctx, d) // before any run gets it, so that the same request hits the cache afterwards
	}
	return d, usage, err
}
