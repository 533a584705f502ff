package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"studysharper/app/study"
)

const secondsOfDay = 24 * 60 * 60

// dayOf numbers the days since 1970, in UTC.
func dayOf(t time.Time) int64 { return t.Unix() / secondsOfDay }

func scanHolding(row scanner, h *study.Holding) (mark, error) {
	return mark{}, row.Scan(&h.Items, &h.NoteBytes, &h.OtherBytes)
}

const holdingOf = "SELECT items, notes, others FROM usage WHERE user_id = $1"

// Holding implements Store.
func (s *sqlStore) Holding(ctx context.Context, userID string) (study.Holding, error) {
	if !storable(userID) {
		return study.Holding{}, nil
	}
	h, err := one(ctx, s, scanHolding, holdingOf, userID)
	if errors.Is(err, sql.ErrNoRows) {
		return study.Holding{}, nil
	}
	return h, err
}

// checkQuota returns CodeQuota, with the numbers, if the transaction has made a user's data exceed a quota.
func (s *sqlStore) checkQuota(ctx context.Context, t tx, userID string) error {
	if s.options.QuotaBytes == 0 && s.options.QuotaItems == 0 {
		return nil
	}
	var h study.Holding
	if _, err := scanHolding(t.row(ctx, holdingOf, userID), &h); err != nil {
		return missing(err, func() error { return nil })
	}
	const mb = 1 << 20
	over := func(what string, have, most int64) error {
		return study.Errorf(study.CodeQuota, "storage quota exceeded: this would be %.1f MB of %s, of %d MB (QUOTA_NOTES_MB); delete some first", float64(have)/mb, what, most/mb)
	}
	switch items, bytes := s.options.QuotaItems, s.options.QuotaBytes; {
	case items > 0 && h.Items > items:
		return study.Errorf(study.CodeQuota, "storage quota exceeded: this would be the %s of %d notes, study aids and conversations (QUOTA_ITEMS); delete some first", ordinal(h.Items), items)
	case bytes > 0 && h.NoteBytes > bytes:
		return over("notes", h.NoteBytes, bytes)
	case bytes > 0 && h.OtherBytes > bytes:
		return over("study aids and conversations", h.OtherBytes, bytes)
	}
	return nil
}

func ordinal(n int64) string {
	suffix := "th"
	if tens := n / 10 % 10; tens != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n, suffix)
}

// countTokens adds the tokens of executions to their day, for the user and, under "", for all users.
func countTokens(ctx context.Context, t tx, entries []study.Execution) error {
	type key struct {
		day  int64
		user string
	}
	sums := map[key]int64{}
	for _, e := range entries {
		if e.Tokens > 0 {
			sums[key{dayOf(e.CreatedAt), e.UserID}] += int64(e.Tokens)
			if e.UserID != "" {
				sums[key{dayOf(e.CreatedAt), ""}] += int64(e.Tokens)
			}
		}
	}
	const upsert = `INSERT INTO tokens (day, user_id, tokens) VALUES ($1, $2, $3)
		ON CONFLICT (day, user_id) DO UPDATE SET tokens = tokens.tokens + excluded.tokens`
	for k, n := range sums {
		if _, err := t.exec(ctx, upsert, []any{k.day, k.user, n}); err != nil {
			return err
		}
	}
	return nil
}

// Tokens implements Store.
func (s *sqlStore) Tokens(ctx context.Context, userID string, at time.Time) (all, own int64, err error) {
	type sums struct{ all, own int64 }
	scan := func(row scanner, v *sums) (mark, error) { return mark{}, row.Scan(&v.all, &v.own) }
	const query = `SELECT coalesce((SELECT tokens FROM tokens WHERE day = $1 AND user_id = ''), 0),
		coalesce((SELECT tokens FROM tokens WHERE day = $1 AND user_id = $2), 0)`
	v, err := one(ctx, s, scan, query, dayOf(at), userID)
	return v.all, v.own, err
}

// pruneTokens removes the token counts of days before yesterday.
func (s *sqlStore) pruneTokens(ctx context.Context) {
	if _, err := s.exec(ctx, "DELETE FROM tokens WHERE day < $1", dayOf(time.Now())-1); err != nil && ctx.Err() == nil {
		s.options.Log.Warn("removing old token counts failed", "error", err)
	}
}

// PruneSessions implements Store.
func (s *sqlStore) PruneSessions(ctx context.Context, before time.Time) (removed int64, err error) {
	const remove = `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE updated_at < $1 ORDER BY updated_at LIMIT $2)`
	for {
		n, err := s.exec(ctx, remove, micros(before), pruneRows)
		if removed += n; err != nil || n < pruneRows {
			return removed, err
		}
	}
}
