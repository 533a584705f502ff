package main

import (
	"context"

	"studysharper/app/agent"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/study"
)

// storeOf is the store as the agents want it.
type storeOf struct{ store.Store }

// SearchNotes finds the notes that hold any of the words, best first.
func (s storeOf) SearchNotes(ctx context.Context, userID, words string, limit int) ([]study.Note, error) {
	return s.Notes(ctx, store.NoteQuery{UserID: userID, Search: words, AnyWord: true, Limit: limit})
}

// journalOf is the journal as the agents want it. A run whose journal is lost (its
// session was deleted, say) is cancelled: nobody can read what it would say.
type journalOf struct {
	stream.Journal
	cancel func(session string) bool
}

// Begin opens a run's journal.
func (j *journalOf) Begin(ctx context.Context, session, run, owner string) (agent.Writer, error) {
	return j.Journal.Begin(ctx, stream.RunInfo{Session: session, Run: run, Owner: owner,
		OnLost: func(error) { go j.cancel(session) }})
}
