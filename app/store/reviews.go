package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"studysharper/app/study"
)

// Schedule computes a card's next review memory from the current one, a rating and its time.
type Schedule func(m study.CardMemory, rating int, at time.Time, s study.ReviewSettings) study.CardMemory

const cardColumns = "id, user_id, content_id, item_id, data, suspended, state, due, stability, difficulty, elapsed_days, scheduled_days, reps, lapses, reviewed_at"

func scanCard(row scanner, c *study.Card) (mark, error) {
	var due, reviewed int64
	m := &c.Memory
	err := row.Scan(&c.ID, &c.UserID, &c.DeckID, &c.ItemID, (*[]byte)(&c.Data), &c.Suspended, &m.State, &due, &m.Stability, &m.Difficulty,
		&m.ElapsedDays, &m.ScheduledDays, &m.Reps, &m.Lapses, &reviewed)
	m.Due = fromMicros(due)
	if reviewed != 0 {
		m.ReviewedAt = fromMicros(reviewed)
	}
	return mark{bytes: len(c.Data)}, err
}

func noCard() error { return study.Errorf(study.CodeNotFound, "the card does not exist") }

// lockCard reads a card for a change and locks it until the transaction ends.
func lockCard(ctx context.Context, t tx, userID, id string) (c study.Card, err error) {
	const lock = "UPDATE cards SET lapses = lapses WHERE id = $1 AND $2 IN ('', user_id) RETURNING " + cardColumns
	_, err = scanCard(t.row(ctx, lock, strings.ToLower(id), userID), &c)
	return c, missing(err, noCard)
}

// changeCard changes a card in one transaction.
func (s *sqlStore) changeCard(ctx context.Context, userID, id string, change func(context.Context, tx, *study.Card) error) (study.Card, error) {
	if !isUUID(id) || !storable(userID) {
		return study.Card{}, noCard()
	}
	var c study.Card
	err := s.transact(ctx, func(ctx context.Context, t tx) (err error) {
		if c, err = lockCard(ctx, t, userID, id); err != nil {
			return err
		}
		return change(ctx, t, &c)
	})
	if err != nil {
		return study.Card{}, err
	}
	return c, nil
}

// saveMemory stores a card's review memory.
func saveMemory(ctx context.Context, t tx, id string, m study.CardMemory) error {
	reviewed := int64(0)
	if !m.ReviewedAt.IsZero() {
		reviewed = micros(m.ReviewedAt)
	}
	const update = `UPDATE cards SET state = $1, due = $2, stability = $3, difficulty = $4, elapsed_days = $5, scheduled_days = $6,
		reps = $7, lapses = $8, reviewed_at = $9 WHERE id = $10`
	_, err := t.exec(ctx, update, []any{m.State, micros(m.Due), m.Stability, m.Difficulty, m.ElapsedDays, m.ScheduledDays, m.Reps, m.Lapses, reviewed, id})
	return err
}

// ReviewCard implements Store.
func (s *sqlStore) ReviewCard(ctx context.Context, v study.Review, next Schedule) (study.Card, error) {
	var c checks
	c.uuid("review_id", v.ID)
	c.add(v.Rating < study.RatingAgain || v.Rating > study.RatingEasy, "rating", "1 to 4")
	if err := c.err(); err != nil {
		return study.Card{}, err
	}
	v.ID, v.At = strings.ToLower(v.ID), orNow(v.At)
	return s.changeCard(ctx, v.UserID, v.CardID, func(ctx context.Context, t tx, c *study.Card) error {
		v.UserID = c.UserID
		if known, err := reviewed(ctx, t, v, c); known || err != nil {
			return err
		}
		if v.At.Before(c.Memory.ReviewedAt) {
			return study.Errorf(study.CodeConflict, "the card already has a later review")
		}
		settings, err := readSettings(t.row(ctx, settingsQuery, c.UserID), c.UserID)
		if err != nil {
			return err
		}
		return keepReview(ctx, t, v, c, next(c.Memory, v.Rating, v.At, settings))
	})
}

// reviewed reports whether the review is already stored; if so, c becomes the card as it was after the review.
func reviewed(ctx context.Context, t tx, v study.Review, c *study.Card) (known bool, err error) {
	var card, later string
	err = t.row(ctx, "SELECT card_id, later FROM reviews WHERE user_id = $1 AND id = $2", v.UserID, v.ID).Scan(&card, &later)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case card != c.ID:
		return false, study.Errorf(study.CodeConflict, "the review_id belongs to a review of another card")
	}
	return true, json.Unmarshal([]byte(later), &c.Memory)
}

// keepReview stores a review and the card's memory after it.
func keepReview(ctx context.Context, t tx, v study.Review, c *study.Card, m study.CardMemory) error {
	m.Due, m.ReviewedAt = m.Due.UTC().Truncate(time.Microsecond), m.ReviewedAt.UTC().Truncate(time.Microsecond)
	const insert = `INSERT INTO reviews (user_id, id, card_id, rating, state, reviewed_at, millis, earlier, later) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	_, err := t.exec(ctx, insert, []any{v.UserID, v.ID, c.ID, v.Rating, c.Memory.State, micros(v.At), v.Duration.Milliseconds(), memoryText(c.Memory), memoryText(m)})
	if err != nil {
		return err
	}
	c.Memory = m
	return saveMemory(ctx, t, c.ID, m)
}

// memoryText is a card's review memory as JSON.
func memoryText(m study.CardMemory) string {
	text, err := json.Marshal(m)
	if err != nil { // only NaN or infinity cannot be marshalled, and FSRS returns neither
		panic(err)
	}
	return string(text)
}

// UndoReview implements Store.
func (s *sqlStore) UndoReview(ctx context.Context, userID, cardID, reviewID string) (study.Card, error) {
	noReview := func() error { return study.Errorf(study.CodeNotFound, "the card does not have this review") }
	if !isUUID(reviewID) {
		return study.Card{}, noReview()
	}
	reviewID = strings.ToLower(reviewID)
	return s.changeCard(ctx, userID, cardID, func(ctx context.Context, t tx, c *study.Card) error {
		var earlier, later string
		const query = "SELECT earlier, later FROM reviews WHERE user_id = $1 AND id = $2 AND card_id = $3"
		if err := t.row(ctx, query, c.UserID, reviewID, c.ID).Scan(&earlier, &later); err != nil {
			return missing(err, noReview)
		}
		if later != memoryText(c.Memory) {
			return study.Errorf(study.CodeConflict, "only the latest review of a card can be undone")
		}
		c.Memory = study.CardMemory{}
		if err := json.Unmarshal([]byte(earlier), &c.Memory); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "DELETE FROM reviews WHERE user_id = $1 AND id = $2", []any{c.UserID, reviewID}); err != nil {
			return err
		}
		return saveMemory(ctx, t, c.ID, c.Memory)
	})
}

// SuspendCard implements Store.
func (s *sqlStore) SuspendCard(ctx context.Context, userID, cardID string, suspended bool) (study.Card, error) {
	return s.changeCard(ctx, userID, cardID, func(ctx context.Context, t tx, c *study.Card) error {
		c.Suspended = suspended
		_, err := t.exec(ctx, "UPDATE cards SET suspended = $1 WHERE id = $2", []any{suspended, c.ID})
		return err
	})
}

// ResetCard implements Store.
func (s *sqlStore) ResetCard(ctx context.Context, userID, cardID string) (study.Card, error) {
	return s.changeCard(ctx, userID, cardID, func(ctx context.Context, t tx, c *study.Card) error {
		c.Memory = study.CardMemory{Due: now()}
		return saveMemory(ctx, t, c.ID, c.Memory)
	})
}

const settingsQuery = "SELECT desired_retention, new_per_day, utc_offset_minutes, updated_at FROM review_settings WHERE user_id = $1"

// readSettings scans a user's settings; without a row it returns the defaults.
func readSettings(row scanner, userID string) (study.ReviewSettings, error) {
	v := study.ReviewSettings{UserID: userID}
	var updated int64
	err := row.Scan(&v.DesiredRetention, &v.NewPerDay, &v.UTCOffsetMinutes, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return study.DefaultReviewSettings(userID), nil
	}
	v.UpdatedAt = fromMicros(updated)
	return v, err
}

// ReviewSettings implements Store.
func (s *sqlStore) ReviewSettings(ctx context.Context, userID string) (study.ReviewSettings, error) {
	var c checks
	if c.user(userID); c.err() != nil {
		return study.ReviewSettings{}, c.err()
	}
	v, err := one(ctx, s, func(row scanner, v *study.ReviewSettings) (_ mark, err error) {
		*v, err = readSettings(row, userID)
		return mark{}, err
	}, settingsQuery, userID)
	if errors.Is(err, sql.ErrNoRows) {
		return study.DefaultReviewSettings(userID), nil
	}
	return v, err
}

// SaveReviewSettings implements Store.
func (s *sqlStore) SaveReviewSettings(ctx context.Context, v study.ReviewSettings) (study.ReviewSettings, error) {
	var c checks
	c.user(v.UserID)
	c.add(!(v.DesiredRetention >= .7 && v.DesiredRetention <= .99), "desired_retention", "0.7 to 0.99")
	c.add(v.NewPerDay < 0 || v.NewPerDay > 999, "new_per_day", "0 to 999")
	c.add(v.UTCOffsetMinutes < -840 || v.UTCOffsetMinutes > 840, "utc_offset_minutes", "-840 to 840")
	if err := c.err(); err != nil {
		return study.ReviewSettings{}, err
	}
	v.UpdatedAt = now()
	const upsert = `INSERT INTO review_settings (user_id, desired_retention, new_per_day, utc_offset_minutes, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id) DO UPDATE SET desired_retention = excluded.desired_retention, new_per_day = excluded.new_per_day,
		utc_offset_minutes = excluded.utc_offset_minutes, updated_at = excluded.updated_at`
	if _, err := s.exec(ctx, upsert, v.UserID, v.DesiredRetention, v.NewPerDay, v.UTCOffsetMinutes, micros(v.UpdatedAt)); err != nil {
		return study.ReviewSettings{}, err
	}
	return v, nil
}
