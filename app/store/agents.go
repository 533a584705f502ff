package store

import (
	"context"

	"studysharper/app/study"
)

// AgentView is a Store with the simpler search methods that the orchestrator needs.
type AgentView struct{ Store }

// ForAgents returns the orchestrator's view of a store.
func ForAgents(s Store) AgentView { return AgentView{s} }

// SearchNotes finds the notes that contain any of the words, best match first.
func (v AgentView) SearchNotes(ctx context.Context, userID, words string, limit int) ([]study.Note, error) {
	notes, _, err := v.Notes(ctx, NoteQuery{UserID: userID, Search: words, AnyWord: true, Page: Page{Limit: limit}})
	return notes, err
}

// SearchPassages finds passages of the given notes; without noteIDs, of all of the user's notes.
func (v AgentView) SearchPassages(ctx context.Context, userID string, noteIDs []string, words string, limit int) ([]study.Passage, error) {
	return v.Store.SearchPassages(ctx, PassageQuery{UserID: userID, NoteIDs: noteIDs, Search: words, Limit: limit})
}

// Messages returns a session's newest messages.
func (v AgentView) Messages(ctx context.Context, sessionID string, limit int) ([]study.Message, error) {
	messages, _, err := v.Store.Messages(ctx, sessionID, Page{Limit: limit})
	return messages, err
}
