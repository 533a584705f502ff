package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"studysharper/app/study"
)

// Bounds of attempts.
const (
	KeptAttempts    = 50      // per aid, the newest
	MaxAttemptBytes = 1 << 20 // per attempt, as JSON
	weakWithin      = 20      // the newest attempts of a user that determine the weak topics
)

// Attempts stores students' attempts at quizzes and exams. An empty userID skips the check of the owner. An aid of
// another type than the requested one is CodeNotFound.
type Attempts interface {
	// SaveAttempt stores an attempt at an aid of a.UserID under the next number and with the current time, and returns
	// it so. Only the newest KeptAttempts of an aid are kept; each has at most MaxAttemptBytes.
	SaveAttempt(ctx context.Context, a study.Attempt) (study.Attempt, error)
	// Attempts lists the attempts at an aid, newest first.
	Attempts(ctx context.Context, userID string, t study.Type, contentID string, p Page) (attempts []study.Attempt, next string, err error)
	// Attempt returns one attempt at an aid.
	Attempt(ctx context.Context, userID string, t study.Type, contentID string, n int64) (study.Attempt, error)
	// UpdateAttempt changes an attempt, except for its aid, number, owner and time, and returns the updated attempt.
	// change may be called again if the transaction is retried. If it fails, its error is returned and nothing is
	// changed.
	UpdateAttempt(ctx context.Context, userID string, t study.Type, contentID string, n int64, change func(*study.Attempt) error) (study.Attempt, error)
	// WeakTopics returns study.WeakTopics of a user's newest 20 attempts.
	WeakTopics(ctx context.Context, userID string) ([]string, error)
}

const attemptColumns = "content_id, n, user_id, data, created_at"

func scanAttempt(row scanner, a *study.Attempt) (mark, error) {
	var id, user string
	var n, created int64
	var data []byte
	err := row.Scan(&id, &n, &user, &data, &created)
	if err == nil {
		err = json.Unmarshal(data, a)
	}
	a.ContentID, a.N, a.UserID, a.CreatedAt = id, n, user, fromMicros(created)
	return mark{place{at: created, num: n, id: id}, jsonBytes(data)}, err
}

func noAttempt() error { return study.Errorf(study.CodeNotFound, "the attempt does not exist") }

// encodeAttempt returns the parts of an attempt that are not columns of their own, as JSON, and its topics.
func encodeAttempt(a study.Attempt) (data []byte, topics string, err error) {
	a.ContentID, a.N, a.UserID, a.CreatedAt = "", 0, "", time.Time{}
	named, err := json.Marshal(a.Topics)
	if err == nil {
		data, err = json.Marshal(a)
	}
	var c checks
	c.add(len(data) > MaxAttemptBytes, "answers", "at most 1 MiB")
	if err == nil {
		err = c.err()
	}
	return data, string(named), study.Wrap(err, study.CodeInternal, "the attempt cannot be written")
}

// SaveAttempt implements Store.
func (s *sqlStore) SaveAttempt(ctx context.Context, a study.Attempt) (study.Attempt, error) {
	if !isUUID(a.ContentID) || !storable(a.UserID) {
		return study.Attempt{}, noContent()
	}
	a.ContentID, a.CreatedAt = strings.ToLower(a.ContentID), now()
	data, topics, err := encodeAttempt(a)
	if err != nil {
		return study.Attempt{}, err
	}
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		// The update locks the row, so that no other attempt gets the same number.
		const lock = "UPDATE contents SET items = items WHERE id = $1 AND user_id = $2 AND type IN ($3, $4)"
		if n, err := t.exec(ctx, lock, []any{a.ContentID, a.UserID, study.Quiz, study.Exam}); err != nil || n == 0 {
			return orElse(err, noContent)
		}
		const last = "SELECT coalesce(max(n), 0) + 1 FROM attempts WHERE content_id = $1"
		if err := t.row(ctx, last, a.ContentID).Scan(&a.N); err != nil {
			return err
		}
		const insert = "INSERT INTO attempts (content_id, n, user_id, data, topics, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
		if _, err := t.exec(ctx, insert, []any{a.ContentID, a.N, a.UserID, data, topics, micros(a.CreatedAt)}); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "DELETE FROM attempts WHERE content_id = $1 AND n <= $2", []any{a.ContentID, a.N - KeptAttempts}); err != nil {
			return err
		}
		return s.checkQuota(ctx, t, a.UserID)
	})
	if err != nil {
		return study.Attempt{}, err
	}
	return a, nil
}

// orElse returns err, or other() if err is nil.
func orElse(err error, other func() error) error {
	if err == nil {
		err = other()
	}
	return err
}

// ofContent restricts attempts to those at an aid of a type, and of a user unless that is "".
const ofContent = "content_id = $1 AND EXISTS (SELECT 1 FROM contents WHERE id = content_id AND type = $2) AND $3 IN ('', user_id)"

// Attempts implements Store.
func (s *sqlStore) Attempts(ctx context.Context, userID string, t study.Type, contentID string, p Page) ([]study.Attempt, string, error) {
	var c checks
	from := c.before("attempts", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	if !isUUID(contentID) || !storable(userID) {
		return nil, "", noContent()
	}
	exists := func(row scanner, n *int) (mark, error) { return mark{}, row.Scan(n) }
	const of = "SELECT 1 FROM contents WHERE id = $1 AND type = $2 AND $3 IN ('', user_id)"
	if _, err := one(ctx, s, exists, of, strings.ToLower(contentID), t, userID); err != nil {
		return nil, "", missing(err, noContent)
	}
	const query = "SELECT " + attemptColumns + " FROM attempts WHERE " + ofContent + " AND n < $4 ORDER BY n DESC LIMIT $5"
	return page(ctx, s, "attempts", p.Limit, scanAttempt, query, strings.ToLower(contentID), t, userID, from.num)
}

// Attempt implements Store.
func (s *sqlStore) Attempt(ctx context.Context, userID string, t study.Type, contentID string, n int64) (study.Attempt, error) {
	if !isUUID(contentID) || !storable(userID) {
		return study.Attempt{}, noAttempt()
	}
	const query = "SELECT " + attemptColumns + " FROM attempts WHERE " + ofContent + " AND n = $4"
	a, err := one(ctx, s, scanAttempt, query, strings.ToLower(contentID), t, userID, n)
	return a, missing(err, noAttempt)
}

// UpdateAttempt implements Store.
func (s *sqlStore) UpdateAttempt(ctx context.Context, userID string, t study.Type, contentID string, n int64, change func(*study.Attempt) error) (a study.Attempt, err error) {
	if !isUUID(contentID) || !storable(userID) {
		return study.Attempt{}, noAttempt()
	}
	var refused error
	err = s.transact(ctx, func(ctx context.Context, x tx) error {
		a, refused = study.Attempt{}, nil
		const lock = "UPDATE attempts SET n = n WHERE " + ofContent + " AND n = $4 RETURNING " + attemptColumns
		if _, err := scanAttempt(x.row(ctx, lock, strings.ToLower(contentID), t, userID, n), &a); err != nil {
			return missing(err, noAttempt)
		}
		if refused = change(&a); refused != nil { // the other changes of this transaction stay
			return nil //nolint:nilerr // it is returned after the transaction
		}
		data, topics, err := encodeAttempt(a)
		if err != nil {
			return err
		}
		_, err = x.exec(ctx, "UPDATE attempts SET data = $1, topics = $2 WHERE content_id = $3 AND n = $4", []any{data, topics, a.ContentID, a.N})
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return study.Attempt{}, err
	}
	return a, nil
}

// WeakTopics implements Store.
func (s *sqlStore) WeakTopics(ctx context.Context, userID string) ([]string, error) {
	var c checks
	if c.user(userID); c.err() != nil {
		return nil, c.err()
	}
	scan := func(row scanner, topics *map[string]study.TopicPoints) (mark, error) {
		var text string
		if err := row.Scan(&text); err != nil {
			return mark{}, err
		}
		return mark{}, json.Unmarshal([]byte(text), topics)
	}
	const query = "SELECT topics FROM attempts WHERE user_id = $1 ORDER BY created_at DESC, n DESC LIMIT $2"
	attempts, err := list(ctx, s, scan, query, userID, weakWithin)
	return study.WeakTopics(attempts), err
}

// UserAttempts implements Store.
func (s *sqlStore) UserAttempts(ctx context.Context, userID string, p Page) ([]study.Attempt, string, error) {
	var c checks
	c.user(userID)
	from := c.before("allattempts", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	const query = "SELECT " + attemptColumns + ` FROM attempts
		WHERE user_id = $1 AND (created_at, content_id, n) < ($2, $3, $4) ORDER BY created_at DESC, content_id DESC, n DESC LIMIT $5`
	return page(ctx, s, "allattempts", p.Limit, scanAttempt, query, userID, from.at, from.id, from.num)
}
