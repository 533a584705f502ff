package main

import (
	"context"

	"studysharper/app/agent"
	"studysharper/app/store"
	"studysharper/app/study"
)

// invalidatingStore is a store whose changes every worker knows of before they are acknowledged.
// Both the agents and the HTTP face write through it. Sessions are cached nowhere.
type invalidatingStore struct {
	store.Store
	known *contextCache
}

// Once implements store.Store: the changes of f are known of once they are committed.
func (v invalidatingStore) Once(ctx context.Context, k store.Key, f func(context.Context) (store.Answer, error)) (store.Answer, bool, error) {
	var after []func()
	defer func() {
		for _, done := range after {
			done()
		}
	}()
	return v.Store.Once(ctx, k, func(ctx context.Context) (store.Answer, error) {
		return f(context.WithValue(ctx, afterKey{}, &after))
	})
}

// afterKey is where the context of Once holds what is to be done after it.
type afterKey struct{}

// afterIt gives done back, or, within Once, leaves it to that.
func afterIt(ctx context.Context, done func()) func() {
	after, within := ctx.Value(afterKey{}).(*[]func())
	if !within {
		return done
	}
	*after = append(*after, done)
	return func() {}
}

// CreateNote implements store.Store.
func (v invalidatingStore) CreateNote(ctx context.Context, n study.Note) (study.Note, error) {
	defer v.note(ctx, n.UserID)()
	return v.Store.CreateNote(ctx, n)
}

// UpdateNote implements store.Store.
func (v invalidatingStore) UpdateNote(ctx context.Context, userID, id string, title, content *string) (study.Note, error) {
	defer v.noteOf(ctx, userID, id)()
	return v.Store.UpdateNote(ctx, userID, id, title, content)
}

// DeleteNote implements store.Store.
func (v invalidatingStore) DeleteNote(ctx context.Context, userID, id string) error {
	defer v.noteOf(ctx, userID, id)()
	return v.Store.DeleteNote(ctx, userID, id)
}

// SavePreferences implements store.Store.
func (v invalidatingStore) SavePreferences(ctx context.Context, p study.Preferences) (study.Preferences, error) {
	defer afterIt(ctx, v.known.revisions.Bump(p.UserID, agent.ResourcePreferences))()
	return v.Store.SavePreferences(ctx, p)
}

// SaveContent implements store.Store.
func (v invalidatingStore) SaveContent(ctx context.Context, c study.Content) (study.Content, error) {
	defer afterIt(ctx, v.known.revisions.Bump(c.UserID, agent.ResourceAids))()
	return v.Store.SaveContent(ctx, c)
}

// note is called before a user's notes change, and done after that.
func (v invalidatingStore) note(ctx context.Context, user string) (done func()) {
	moved := v.known.revisions.Bump(user, agent.ResourceNotes)
	return afterIt(ctx, func() { moved(); v.known.changed.Add(agent.UserTag(user)) })
}

// noteOf is note for a note of this user's, or ("") of whoever has it.
func (v invalidatingStore) noteOf(ctx context.Context, userID, id string) (done func()) {
	if userID != "" {
		return v.note(ctx, userID)
	}
	switch n, err := v.Store.Note(ctx, "", id); {
	case err == nil:
		return v.note(ctx, n.UserID)
	case study.AsError(err).Code == study.CodeNotFound:
		return func() {} // and nobody will have it: ids are new ones
	default:
		moved := v.known.revisions.BumpAll()
		return afterIt(ctx, func() { moved(); v.known.changed.AddAll() })
	}
}
