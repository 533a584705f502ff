package store

import (
	"context"
	"errors"
	"time"

	"studysharper/app/study"
)

// Bounds of the answers stored for idempotency keys. Above the bounds of a user, the oldest answers are removed.
const (
	KeepAnswers      = 24 * time.Hour
	MaxAnswerBytes   = 2 << 20 // the body of one answer
	MaxUserAnswers   = 1000    // answers per user
	MaxUserAnswersMB = 16      // megabytes of all bodies per user
	answerBytes      = 512     // size of a row without its body
	answersSwept     = 100     // rows removed in one transaction
	keyField         = "Idempotency-Key"
)

// Key identifies a write, so that a client can repeat it without effect.
type Key struct {
	UserID      string // the owner: equal keys of two users are different keys; may be ""
	Key         string
	Fingerprint string // identifies the request: a key is valid for one request only
}

// Answer is the stored answer to a request. If it is too large, it has only Status and Location, and Cut is set.
type Answer struct {
	Status      int
	ContentType string
	Location    string
	Body        []byte
	Cut         bool
}

// Claim is the right to carry out the request of a key.
type Claim struct {
	key   Key
	token string
}

// Once implements Store.
func (s *sqlStore) Once(ctx context.Context, k Key, f func(context.Context) (Answer, error)) (a Answer, replayed bool, err error) {
	var refused error
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		a, replayed, refused = Answer{}, false, nil
		claim, kept, err := claimKey(ctx, t, k, 0)
		switch {
		case err == nil && kept != nil:
			a, replayed = *kept, true
			return nil
		case isRefusal(err): // nothing was changed, so the other changes of this transaction stay
			refused = err
			return nil
		case err != nil:
			return err
		}
		if a, err = f(context.WithValue(ctx, txKey{}, t)); err != nil {
			return err
		}
		return settleKey(ctx, t, claim, a)
	})
	return a, replayed, errors.Join(err, refused)
}

// ClaimKey implements Store.
func (s *sqlStore) ClaimKey(ctx context.Context, k Key, lease time.Duration) (c Claim, kept *Answer, err error) {
	var refused error
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		c, kept, refused = Claim{}, nil, nil
		var err error
		if c, kept, err = claimKey(ctx, t, k, lease); isRefusal(err) {
			refused, err = err, nil
		}
		return err
	})
	return c, kept, errors.Join(err, refused)
}

// ExtendClaim implements Store.
func (s *sqlStore) ExtendClaim(ctx context.Context, c Claim, lease time.Duration) error {
	const extend = `UPDATE idempotency SET leased_until = $1 WHERE user_id = $2 AND key = $3 AND claim = $4 AND status = 0`
	n, err := s.exec(ctx, extend, micros(now().Add(lease)), c.key.UserID, c.key.Key, c.token)
	if err == nil && n == 0 {
		return study.Errorf(study.CodeNotFound, "the claim is lost")
	}
	return err
}

// SettleClaim implements Store.
func (s *sqlStore) SettleClaim(ctx context.Context, c Claim, a Answer) error {
	return s.transact(ctx, func(ctx context.Context, t tx) error { return settleKey(ctx, t, c, a) })
}

// ReleaseClaim implements Store.
func (s *sqlStore) ReleaseClaim(ctx context.Context, c Claim) error {
	const release = `DELETE FROM idempotency WHERE user_id = $1 AND key = $2 AND claim = $3 AND status = 0`
	_, err := s.exec(ctx, release, c.key.UserID, c.key.Key, c.token)
	return err
}

// claimKey claims the key if it is new, expired, or claimed by a process that died; otherwise it returns the stored
// answer. It returns CodeInvalid if the key belongs to another request, and CodeConflict while the first request is under
// way.
func claimKey(ctx context.Context, t tx, k Key, lease time.Duration) (c Claim, kept *Answer, err error) {
	at := now()
	c = Claim{k, newID()}
	const take = `INSERT INTO idempotency (user_id, key, fingerprint, claim, leased_until, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, claim = excluded.claim,
		leased_until = excluded.leased_until, created_at = excluded.created_at, status = 0, body = NULL, bytes = 0
		WHERE idempotency.created_at < $7 OR (idempotency.status = 0 AND idempotency.leased_until < $6
		AND idempotency.fingerprint = excluded.fingerprint)`
	n, err := t.exec(ctx, take, []any{k.UserID, k.Key, k.Fingerprint, c.token, micros(at.Add(lease)), micros(at), micros(at.Add(-KeepAnswers))})
	if err != nil || n > 0 {
		return c, nil, err
	}
	var fingerprint string
	var leased int64
	var a Answer
	const read = `SELECT fingerprint, leased_until, status, content_type, location, body, cut FROM idempotency WHERE user_id = $1 AND key = $2`
	err = t.row(ctx, read, k.UserID, k.Key).Scan(&fingerprint, &leased, &a.Status, &a.ContentType, &a.Location, &a.Body, &a.Cut)
	switch {
	case err != nil:
		return c, nil, err
	case fingerprint != k.Fingerprint:
		return c, nil, study.Invalid([]study.Fault{{Field: keyField, Detail: "was used for another request: send a new key with a new request"}})
	case a.Status == 0:
		return c, nil, &study.Error{Code: study.CodeConflict, RetryAfter: max(fromMicros(leased).Sub(at), time.Second),
			Message: "the first request with this Idempotency-Key is still under way"}
	default:
		return c, &a, nil
	}
}

// isRefusal reports whether err refuses a key, as opposed to a failure to read it.
func isRefusal(err error) bool {
	e, is := errors.AsType[*study.Error](err)
	return is && (e.Code == study.CodeInvalid || e.Code == study.CodeConflict)
}

// settleKey stores an answer, unless the claim was lost in the meantime.
func settleKey(ctx context.Context, t tx, c Claim, a Answer) error {
	if a.Cut = len(a.Body) > MaxAnswerBytes; a.Cut {
		a.Body = nil
	}
	const settle = `UPDATE idempotency SET status = $1, content_type = $2, location = $3, body = $4, cut = $5, bytes = $6
		WHERE user_id = $7 AND key = $8 AND claim = $9 AND status = 0`
	_, err := t.exec(ctx, settle, []any{a.Status, a.ContentType, a.Location, a.Body, a.Cut, len(a.Body) + answerBytes,
		c.key.UserID, c.key.Key, c.token})
	if err != nil {
		return err
	}
	return boundAnswers(ctx, t, c.key.UserID)
}

// boundAnswers removes the oldest answers of a user above the bounds.
func boundAnswers(ctx context.Context, t tx, userID string) error {
	var n, bytes int64
	const sum = `SELECT count(*), CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM idempotency WHERE user_id = $1`
	if err := t.row(ctx, sum, userID).Scan(&n, &bytes); err != nil || n <= MaxUserAnswers && bytes <= MaxUserAnswersMB<<20 {
		return err
	}
	const forget = `DELETE FROM idempotency WHERE user_id = $1 AND key IN (
		SELECT key FROM (SELECT key, row_number() OVER newest AS n, sum(bytes) OVER newest AS bytes FROM idempotency
			WHERE user_id = $1 WINDOW newest AS (ORDER BY created_at DESC, key ROWS UNBOUNDED PRECEDING)) AS counted
		WHERE n > $2 OR bytes > $3)`
	_, err := t.exec(ctx, forget, []any{userID, MaxUserAnswers, MaxUserAnswersMB << 20})
	return err
}

// forgetAnswers calls sweepAnswers in the background and logs its error.
func (s *sqlStore) forgetAnswers(ctx context.Context) {
	if err := s.sweepAnswers(ctx); err != nil && ctx.Err() == nil {
		s.options.Log.Warn("removing old idempotency keys failed", "error", err)
	}
}

// sweepAnswers removes answers older than KeepAnswers, in small transactions.
func (s *sqlStore) sweepAnswers(ctx context.Context) error {
	const forget = `DELETE FROM idempotency WHERE (user_id, key) IN (
		SELECT user_id, key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)`
	for {
		n, err := s.exec(ctx, forget, micros(now().Add(-KeepAnswers)), answersSwept)
		if err != nil || n < answersSwept {
			return err
		}
	}
}

// txKey is the context key of the transaction that a call is part of; see Once.
type txKey struct{}

// transact runs f in the transaction of ctx, or in a new one if ctx has none.
func (s *sqlStore) transact(ctx context.Context, f func(context.Context, tx) error) error {
	if t, ok := ctx.Value(txKey{}).(tx); ok {
		return f(ctx, t)
	}
	return s.engine.change(ctx, f)
}

// selectRows passes each row to take until take returns false. It reads within the transaction of ctx, if there is one.
func (s *sqlStore) selectRows(ctx context.Context, take func(scanner) (bool, error), query string, args ...any) error {
	if t, ok := ctx.Value(txKey{}).(tx); ok {
		return t.rows(ctx, take, query, args...)
	}
	return s.engine.query(ctx, take, query, args...)
}
