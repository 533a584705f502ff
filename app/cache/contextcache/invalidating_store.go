// Package contextcache caches in each worker what prompts need of a user (notes, preferences, progress). After a change
// was acknowledged, no worker serves cached data from before it: Store bumps a version before and after each change,
// Versions shares the counters between processes, and package agent caches under the version that was current before it
// read.
package contextcache

import (
	"context"
	"log/slog"
	"time"

	"studysharper/app/agent"
	"studysharper/app/store"
	"studysharper/app/study"
)

// InvalidatingStore is a store.Store that makes every change visible to all workers before it is acknowledged.
// Everything must be written through it. Sessions are not cached.
type InvalidatingStore struct {
	store.Store
	versions *Versions
	purger   *Debouncer[string]
}

// NewInvalidatingStore wraps s. purger comes from NewPurger.
func NewInvalidatingStore(s store.Store, versions *Versions, purger *Debouncer[string]) InvalidatingStore {
	return InvalidatingStore{s, versions, purger}
}

// maxPendingPurges is the number of users whose answers are purged individually; beyond it, all answers are purged.
const maxPendingPurges = 64

// NewPurger returns a Debouncer that purges answers made from notes that have changed, by their user's tag. The rounds
// are interval apart; there is no hurry, because after the change these answers are looked up under other keys.
func NewPurger(purge func(pattern string) error, interval time.Duration, log *slog.Logger) *Debouncer[string] {
	notify := func(tag string) {
		if err := purge(tag); err != nil {
			log.Warn("cached answers of changed notes not purged", "error", err)
		}
	}
	return NewDebouncer(DebouncerOptions[string]{MaxPending: maxPendingPurges, Interval: interval,
		Notify: notify, NotifyAll: func() { notify(agent.UserTagPrefix) }})
}

// Once implements store.Store. The changes that f makes are visible from their commit on.
func (s InvalidatingStore) Once(ctx context.Context, k store.Key, f func(context.Context) (store.Answer, error)) (store.Answer, bool, error) {
	var after []func()
	defer func() {
		for _, done := range after {
			done()
		}
	}()
	return s.Store.Once(ctx, k, func(ctx context.Context) (store.Answer, error) {
		return f(context.WithValue(ctx, afterKey{}, &after))
	})
}

// afterKey is where Once stores, in its context, the functions to call after its commit.
type afterKey struct{}

// afterCommit returns done or, within Once, schedules it for after the commit.
func afterCommit(ctx context.Context, done func()) func() {
	after, within := ctx.Value(afterKey{}).(*[]func())
	if !within {
		return done
	}
	*after = append(*after, done)
	return func() {}
}

// CreateNote implements store.Store.
func (s InvalidatingStore) CreateNote(ctx context.Context, n study.Note) (study.Note, error) {
	defer s.bumpNotes(ctx, n.UserID)()
	return s.Store.CreateNote(ctx, n)
}

// UpdateNote implements store.Store.
func (s InvalidatingStore) UpdateNote(ctx context.Context, userID, id string, change study.NoteChange) (study.Note, error) {
	defer s.bumpOwner(ctx, userID, id)()
	return s.Store.UpdateNote(ctx, userID, id, change)
}

// DeleteNote implements store.Store.
func (s InvalidatingStore) DeleteNote(ctx context.Context, userID, id string) error {
	defer s.bumpOwner(ctx, userID, id)()
	return s.Store.DeleteNote(ctx, userID, id)
}

// SavePreferences implements store.Store.
func (s InvalidatingStore) SavePreferences(ctx context.Context, p study.Preferences) (study.Preferences, error) {
	defer afterCommit(ctx, s.versions.Bump(p.UserID, agent.ResourcePreferences))()
	return s.Store.SavePreferences(ctx, p)
}

// SaveContent implements store.Store.
func (s InvalidatingStore) SaveContent(ctx context.Context, c study.Content) (study.Content, error) {
	defer afterCommit(ctx, s.versions.Bump(c.UserID, agent.ResourceAids))()
	return s.Store.SaveContent(ctx, c)
}

// DeleteUser implements store.Store.
func (s InvalidatingStore) DeleteUser(ctx context.Context, userID string) error {
	for _, part := range []string{agent.ResourcePreferences, agent.ResourceAids, agent.ResourceAttempts, AccountPart} {
		defer afterCommit(ctx, s.versions.Bump(userID, part))()
	}
	defer s.bumpNotes(ctx, userID)()
	return s.Store.DeleteUser(ctx, userID)
}

// MergeContents implements store.Store.
func (s InvalidatingStore) MergeContents(ctx context.Context, userID string, t study.Type, into string, from ...string) (study.Content, error) {
	defer s.bumpAids(ctx, userID, t, into)()
	return s.Store.MergeContents(ctx, userID, t, into, from...)
}

// DeleteContent implements store.Store.
func (s InvalidatingStore) DeleteContent(ctx context.Context, userID string, t study.Type, id string) error {
	defer s.bumpAids(ctx, userID, t, id)()
	return s.Store.DeleteContent(ctx, userID, t, id)
}

// SaveAttempt implements store.Store. It may change the weak topics.
func (s InvalidatingStore) SaveAttempt(ctx context.Context, a study.Attempt) (study.Attempt, error) {
	defer afterCommit(ctx, s.versions.Bump(a.UserID, agent.ResourceAttempts))()
	return s.Store.SaveAttempt(ctx, a)
}

// UpdateAttempt implements store.Store.
func (s InvalidatingStore) UpdateAttempt(ctx context.Context, userID string, t study.Type, contentID string, n int64, change func(*study.Attempt) error) (study.Attempt, error) {
	defer s.bumpAids(ctx, userID, t, contentID)()
	return s.Store.UpdateAttempt(ctx, userID, t, contentID, n, change)
}

// bumpAids must be called before a user's aids or their attempts change, and done afterwards. If userID is "", the user
// is the aid's owner.
func (s InvalidatingStore) bumpAids(ctx context.Context, userID string, t study.Type, id string) (done func()) {
	if userID == "" {
		c, err := s.Content(ctx, "", t, id)
		switch {
		case err == nil:
			userID = c.UserID
		case study.IsCode(err, study.CodeNotFound):
			return func() {}
		default:
			return afterCommit(ctx, s.versions.BumpAll())
		}
	}
	aids, attempts := s.versions.Bump(userID, agent.ResourceAids), s.versions.Bump(userID, agent.ResourceAttempts)
	return afterCommit(ctx, func() { aids(); attempts() })
}

// AccountPart is the part of a user's versions that changes with the study code and the devices.
const AccountPart = "account"

// ReplaceCode implements store.Store.
func (s InvalidatingStore) ReplaceCode(ctx context.Context, userID string, hash []byte) error {
	defer s.bumpAccount(ctx, userID)()
	return s.Store.ReplaceCode(ctx, userID, hash)
}

// DeleteAccount implements store.Store.
func (s InvalidatingStore) DeleteAccount(ctx context.Context, userID string) error {
	defer s.bumpAccount(ctx, userID)()
	return s.Store.DeleteAccount(ctx, userID)
}

// EndDevice implements store.Store.
func (s InvalidatingStore) EndDevice(ctx context.Context, userID, id string) error {
	defer s.bumpAccount(ctx, userID)()
	return s.Store.EndDevice(ctx, userID, id)
}

// EndDevices implements store.Store.
func (s InvalidatingStore) EndDevices(ctx context.Context, userID, except string) error {
	defer s.bumpAccount(ctx, userID)()
	return s.Store.EndDevices(ctx, userID, except)
}

func (s InvalidatingStore) bumpAccount(ctx context.Context, user string) (done func()) {
	return afterCommit(ctx, s.versions.Bump(user, AccountPart))
}

// bumpNotes must be called before a user's notes change, and done afterwards.
func (s InvalidatingStore) bumpNotes(ctx context.Context, user string) (done func()) {
	bumped := s.versions.Bump(user, agent.ResourceNotes)
	return afterCommit(ctx, func() { bumped(); s.purger.Add(agent.UserTag(user)) })
}

// bumpOwner is bumpNotes for a note of this user, or of the note's owner if userID is "".
func (s InvalidatingStore) bumpOwner(ctx context.Context, userID, id string) (done func()) {
	if userID != "" {
		return s.bumpNotes(ctx, userID)
	}
	switch n, err := s.Note(ctx, "", id); {
	case err == nil:
		return s.bumpNotes(ctx, n.UserID)
	case study.AsError(err).Code == study.CodeNotFound:
		return func() {} // there is no such note, and never will be: ids are not reused
	default:
		bumped := s.versions.BumpAll()
		return afterCommit(ctx, func() { bumped(); s.purger.AddAll() })
	}
}
