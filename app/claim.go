package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"studysharper/app/auth"
	"studysharper/app/config"
	"studysharper/app/store"
	"studysharper/app/study"
)

// claim makes the account of a user_id of AUTH_MODE=none, so that what is kept of the user is the account's, and prints
// its study code. The service may be running.
func claim(ctx context.Context, out io.Writer, environment map[string]string, user string) error {
	c, err := config.Load(environment)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, c.DatabaseURL, store.Options{})
	if err != nil {
		return err
	}
	code, err := claimIn(ctx, s, user)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, code)
	return err
}

func claimIn(ctx context.Context, s store.Store, user string) (code string, err error) {
	held, err := holdsAnything(ctx, s, user)
	if err != nil {
		return "", err
	}
	if !held {
		return "", study.Errorf(study.CodeNotFound, "nothing is kept of this user_id: is it spelled as in the requests?")
	}
	return auth.NewAccounts(s, nil, nil).CreateFor(ctx, user)
}

// holdsAnything reports whether notes, conversations, study aids or preferences of a user are kept.
func holdsAnything(ctx context.Context, s store.Store, user string) (bool, error) {
	notes, _, err := s.Notes(ctx, store.NoteQuery{UserID: user, Page: store.Page{Limit: 1}})
	if err != nil || len(notes) > 0 {
		return len(notes) > 0, err
	}
	sessions, _, err := s.Sessions(ctx, user, store.Page{Limit: 1})
	if err != nil || len(sessions) > 0 {
		return len(sessions) > 0, err
	}
	counts, err := s.ContentStats(ctx, user)
	for _, n := range counts {
		if n > 0 {
			return true, err
		}
	}
	if err != nil {
		return false, err
	}
	p, err := s.Preferences(ctx, user)
	return !p.UpdatedAt.IsZero(), err
}
