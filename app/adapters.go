package main

import (
	"context"
	"errors"
	"log/slog"

	"studysharper/app/agent/runner"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/study"
)

// agentStore is the store as the agents want it.
type agentStore struct{ store.Store }

// SearchNotes finds the notes that hold any of the words, best first.
func (s agentStore) SearchNotes(ctx context.Context, userID, words string, limit int) ([]study.Note, error) {
	notes, _, err := s.Notes(ctx, store.NoteQuery{UserID: userID, Search: words, AnyWord: true, Page: store.Page{Limit: limit}})
	return notes, err
}

// Messages returns a session's newest messages.
func (s agentStore) Messages(ctx context.Context, sessionID string, limit int) ([]study.Message, error) {
	messages, _, err := s.Store.Messages(ctx, sessionID, store.Page{Limit: limit})
	return messages, err
}

// agentJournal is the journal as the agents want it. A run whose journal is lost (its
// session was deleted, say) is cancelled: nobody can read what it would say. A silent run
// goes on, for its client waits for the answer itself.
type agentJournal struct {
	stream.Journal
	cancel func(run string) bool
}

// Begin opens a run's journal.
func (j *agentJournal) Begin(ctx context.Context, r runner.Run) (runner.Writer, error) {
	info := stream.RunInfo{Session: r.Session, Run: r.ID, Owner: r.Owner, Request: r.Request, Takeover: r.Takeover, Silent: r.Silent}
	if !r.Silent {
		info.OnLost = func(error) { go j.cancel(r.ID) }
	}
	return j.Journal.Begin(ctx, info)
}

// takeOver makes a dead worker's run again, unless a sibling is faster. It returns when
// the run continues without the request. A prompt never reaches the log.
func takeOver(o stream.Orphan, runs *runner.Runner, log *slog.Logger) {
	req, err := runner.DecodeRequest(o.Request)
	if err == nil {
		err = runs.Takeover(req, o.Run)
	}
	var e *study.Error
	switch {
	case err == nil:
		log.Info("rerunning a request: its worker died", "run", o.Run)
	case errors.As(err, &e) && e.Code == study.CodeNotFound:
		// A sibling has it, or nobody needs it any more.
	default:
		log.Warn("not rerunning a dead worker's request (this worker is full or stopping)", "run", o.Run, "error", err)
	}
}
