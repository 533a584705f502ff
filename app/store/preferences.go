package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"studysharper/app/study"
)

func scanPreferences(row scanner, p *study.Preferences) (mark, error) {
	var updated int64
	err := row.Scan(&p.UserID, &p.Difficulty, &p.Detail, &updated)
	p.UpdatedAt = fromMicros(updated)
	return mark{}, err
}

// Preferences implements Store.
func (s *sqlStore) Preferences(ctx context.Context, userID string) (study.Preferences, error) {
	var c checks
	if c.user(userID); c.err() != nil {
		return study.Preferences{}, c.err()
	}
	const query = "SELECT user_id, difficulty, detail, updated_at FROM preferences WHERE user_id = $1"
	p, err := one(ctx, s, scanPreferences, query, userID)
	if errors.Is(err, sql.ErrNoRows) {
		return study.Preferences{UserID: userID}, nil
	}
	return p, err
}

// SavePreferences implements Store.
func (s *sqlStore) SavePreferences(ctx context.Context, p study.Preferences) (study.Preferences, error) {
	var c checks
	c.user(p.UserID)
	c.oneOf("difficulty", p.Difficulty, study.Easy, study.Medium, study.Hard, study.Adaptive)
	c.oneOf("detail", p.Detail, study.Short, study.Medium, study.Long)
	if err := c.err(); err != nil {
		return study.Preferences{}, err
	}
	p.UpdatedAt = now()
	const upsert = `INSERT INTO preferences (user_id, difficulty, detail, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id) DO UPDATE SET difficulty = excluded.difficulty,
		detail = excluded.detail, updated_at = excluded.updated_at`
	_, err := s.exec(ctx, upsert, p.UserID, p.Difficulty, p.Detail, micros(p.UpdatedAt))
	if err != nil {
		return study.Preferences{}, err
	}
	return p, nil
}

// oneOf checks an optional choice.
func (c *checks) oneOf(field, choice string, choices ...string) {
	c.add(choice != "" && !slices.Contains(choices, choice), field, "one of "+strings.Join(choices, ", ")+", or empty")
}
