package runner

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"studysharper/app/agent"
	"studysharper/app/study"
)

// Record stores the runs that Start has accepted, so that clients learn their results even if this process dies or the
// journal is lost.
type Record interface {
	// BeginRun records the start of a run and adds its question to its session, in one transaction.
	BeginRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// EndRun records the end of a run. It does not change a run that has already ended.
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// KeepRunsAlive records that this process is working on the runs, and returns those that have ended.
	KeepRunsAlive(ctx context.Context, ids ...string) (ended []string, err error)
}

// AliveEvery is how often a process records that it is working on its runs. A process that has missed five updates may
// be considered dead.
const AliveEvery = 2 * time.Second

// recordBegin records a run before its client learns that it has begun, or that this process has taken it over.
func (n *Runner) recordBegin(ctx context.Context, r Run, req study.Request) error {
	if n.o.Record == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.o.JournalTimeout)
	defer cancel()
	if r.Takeover {
		ended, err := n.o.Record.KeepRunsAlive(ctx, r.ID)
		if err == nil && len(ended) > 0 {
			err = study.Errorf(study.CodeNotFound, "the run has ended")
		}
		return err
	}
	var question []study.Message
	if strings.TrimSpace(req.Message) != "" {
		question = []study.Message{{ID: r.ID, Role: study.RoleUser, Text: req.Message}}
	}
	return n.o.Record.BeginRun(ctx, study.Run{ID: r.ID, SessionID: r.Session, UserID: r.Owner, Type: req.Type, Request: r.Request, StartedAt: time.Now().UTC()},
		study.Session{ID: r.Session, UserID: r.Owner}, question...)
}

// recordEnd records the end of a run that failed or whose answer could not be saved.
func (n *Runner) recordEnd(a *activeRun, req study.Request, out agent.Outcome, err error) {
	if n.o.Record == nil || (err == nil && (out.Result.Saved == nil || !out.Result.Saved.Failed)) {
		return
	}
	r := study.Run{ID: a.id, SessionID: req.SessionID, UserID: req.UserID, Type: req.Type, State: study.RunSucceeded}
	if err == nil {
		r.Outcome = encodeOutcome(out)
	} else {
		r.State = study.RunFailed
		if study.IsCode(err, study.CodeCancelled) {
			r.State = study.RunCancelled
		}
		r.Outcome = study.ErrorFields(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.o.JournalTimeout)
	defer cancel()
	if err := n.o.Record.EndRun(ctx, r, study.Session{}); err != nil {
		n.o.Log.Warn("end of a run not recorded", "run", a.id, "error", err)
	}
}

// encodeOutcome implements agent.Observer.Outcome.
func encodeOutcome(out agent.Outcome) json.RawMessage {
	fields, err := json.Marshal(newCompleted(out))
	if err != nil {
		return study.ErrorFields(err)
	}
	return fields
}

// keepAlive calls KeepRunsAlive every AliveEvery until this process has no recorded runs. A run that has ended
// elsewhere was cancelled there, so keepAlive cancels it here.
func (n *Runner) keepAlive() {
	tick := time.NewTicker(AliveEvery)
	defer tick.Stop()
	for range tick.C {
		ids := n.recordedRuns()
		if len(ids) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), n.o.JournalTimeout)
		ended, err := n.o.Record.KeepRunsAlive(ctx, ids...)
		cancel()
		if err != nil {
			n.o.Log.Warn("active runs not recorded as alive", "error", err)
			continue
		}
		for _, id := range ended {
			n.Cancel(id, study.ErrRunCancelled)
		}
	}
}

// recordedRuns returns the ids of the active runs that are recorded. If there are none, it marks keepAlive as stopped,
// and keepAlive must return.
func (n *Runner) recordedRuns() (ids []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for a := range n.runs {
		if a.recorded {
			ids = append(ids, a.id)
		}
	}
	n.keeping = len(ids) > 0
	return ids
}

// markRecorded marks a run as recorded and starts keepAlive if it is not running.
func (n *Runner) markRecorded(a *activeRun) {
	if n.o.Record == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	a.recorded = true
	if !n.keeping {
		n.keeping = true
		go n.keepAlive()
	}
}
