package runner

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"studysharper/app/agent"
	"studysharper/app/study"
)

// Record keeps the runs that Start has promised to answer, so that their readers learn their end whatever
// happens to this process and to the journal.
type Record interface {
	// BeginRun records a run that begins, and adds its question to its session, in one transaction.
	BeginRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// EndRun records its end. A run that has ended already stays as it is.
	EndRun(ctx context.Context, r study.Run, s study.Session, msgs ...study.Message) error
	// KeepRunsAlive records that this process works on runs, and returns those that have ended.
	KeepRunsAlive(ctx context.Context, ids ...string) (ended []string, err error)
}

// AliveEvery is how often a process records that it works on its runs. One that has missed five
// times may be taken for dead.
const AliveEvery = 2 * time.Second

// recordBegin records a run before its client is told that it has begun, or that this process has taken it over.
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

// recordEnd records the end of a run that has failed, or whose answer could not be saved.
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

// encodeOutcome encodes what agent.Observer.Outcome asks for.
func encodeOutcome(out agent.Outcome) json.RawMessage {
	fields, err := json.Marshal(newCompleted(out))
	if err != nil {
		return study.ErrorFields(err)
	}
	return fields
}

// keepAlive records every AliveEvery that this process works on its runs, until it has none. A run that has ended elsewhere was
// cancelled there.
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
			n.o.Log.Warn("runs under way not recorded", "error", err)
			continue
		}
		for _, id := range ended {
			n.Cancel(id, study.ErrRunCancelled)
		}
	}
}

// recordedRuns are the ids of the active runs that are recorded. If there are none, keepAlive must end.
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

// recorded marks a run as recorded and has keepAlive run.
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
