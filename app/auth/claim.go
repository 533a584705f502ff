package auth

import (
	"context"

	"studysharper/app/study"
)

// ClaimStore stores accounts, and the data of users from before there were accounts.
type ClaimStore interface {
	AccountStore
	Holding(ctx context.Context, userID string) (study.Holding, error)
	Preferences(ctx context.Context, userID string) (study.Preferences, error)
}

// Claim makes an account for a user_id from AUTH_MODE=none, which takes over the user's data, and returns its study
// code. It returns CodeNotFound if the user has no data, and CodeConflict if the account exists.
func Claim(ctx context.Context, s ClaimStore, user string) (code string, err error) {
	held, err := holdsAnything(ctx, s, user)
	if err != nil {
		return "", err
	}
	if !held {
		return "", study.Errorf(study.CodeNotFound, "this user_id has no data: check its spelling")
	}
	return createAccount(ctx, s, user)
}

// holdsAnything reports whether a user has notes, conversations, study aids or preferences.
func holdsAnything(ctx context.Context, s ClaimStore, user string) (bool, error) {
	if held, err := s.Holding(ctx, user); err != nil || held.Items > 0 {
		return err == nil, err
	}
	p, err := s.Preferences(ctx, user)
	return !p.UpdatedAt.IsZero(), err
}
