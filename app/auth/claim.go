package auth

import (
	"context"

	"studysharper/app/study"
)

// ClaimStore keeps accounts, and what users had before there were any.
type ClaimStore interface {
	AccountStore
	Holding(ctx context.Context, userID string) (study.Holding, error)
	Preferences(ctx context.Context, userID string) (study.Preferences, error)
}

// Claim makes the account of a user_id of AUTH_MODE=none, so that what is kept of the user is the account's, and returns
// its study code. CodeNotFound where nothing is kept, CodeConflict where there is an account.
func Claim(ctx context.Context, s ClaimStore, user string) (code string, err error) {
	held, err := holdsAnything(ctx, s, user)
	if err != nil {
		return "", err
	}
	if !held {
		return "", study.Errorf(study.CodeNotFound, "nothing is kept of this user_id: is it spelled as in the requests?")
	}
	return createAccount(ctx, s, user)
}

// holdsAnything reports whether notes, conversations, study aids or preferences of a user are kept.
func holdsAnything(ctx context.Context, s ClaimStore, user string) (bool, error) {
	if held, err := s.Holding(ctx, user); err != nil || held.Items > 0 {
		return err == nil, err
	}
	p, err := s.Preferences(ctx, user)
	return !p.UpdatedAt.IsZero(), err
}
