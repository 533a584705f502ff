package runner

import (
	"context"
	"math/rand/v2"
	"time"

	"studysharper/app/study"
	"studysharper/app/trace"
)

// activeRun is a run that was admitted.
type activeRun struct {
	id      string
	began   time.Time
	cancel  context.CancelCauseFunc
	release func()
	span    *trace.Span // nil: the run's work has not begun

	recorded bool // guarded by Runner.mu
}

// admission is the type of admitCounted and admit.
type admission func(ctx context.Context, id string) (context.Context, *activeRun, error)

// admitCounted calls admit and counts a refusal at capacity as shed.
func (n *Runner) admitCounted(ctx context.Context, id string) (context.Context, *activeRun, error) {
	ctx, a, err := n.admit(ctx, id)
	if study.IsCode(err, study.CodeOverloaded) {
		n.shed.Add(1)
	}
	return ctx, a, err
}

// admit applies the limits and sets the deadline.
func (n *Runner) admit(ctx context.Context, id string) (context.Context, *activeRun, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.draining {
		return nil, nil, errDraining()
	}
	release, ok := func() {}, len(n.runs) < n.o.MaxRuns
	if ok {
		release, ok = n.o.Admit()
	}
	if !ok {
		return nil, nil, errOverloaded()
	}
	ctx, cancelCause := context.WithCancelCause(ctx)
	ctx, cancel := context.WithTimeoutCause(ctx, n.o.Timeout, study.Errorf(study.CodeTimeout, "the run timed out"))
	a := &activeRun{id: id, began: time.Now(), cancel: cancelCause, release: func() { cancel(); release() }}
	n.runs[a] = struct{}{}
	n.active.Add(1)
	return ctx, a, nil
}

func (n *Runner) release(a *activeRun) {
	a.cancel(nil)
	a.release()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.runs, a)
	n.active.Add(-1)
	if n.idle != nil && len(n.runs) == 0 {
		close(n.idle)
		n.idle = nil
	}
}

// Cancel ends a run now, with an error event that gives the reason. It reports whether the run was active.
func (n *Runner) Cancel(runID string, why *study.Error) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for a := range n.runs {
		if a.id == runID {
			a.cancel(why)
			return true
		}
	}
	return false
}

// RejectIfFull returns the error that Do and Start would return at capacity, and counts it as they do; nil if there may
// be room. It is for callers that have not read the body yet: under load, reading a request only to refuse it costs
// more than the refusal.
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

// retryDelay returns a random time from 1 s to 5 s, so that clients refused together do not return together.
func retryDelay() time.Duration {
	return time.Second + rand.N(4*time.Second+1)
}
