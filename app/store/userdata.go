package store

import (
	"context"
	"encoding/json"

	"studysharper/app/study"
)

func scanRating(row scanner, r *study.Rating) (mark, error) {
	var kind study.Type
	var issues string
	var created int64
	err := row.Scan(&r.ContentID, &r.UserID, &kind, &r.Rating, &r.Text, &issues, &created)
	if err == nil {
		err = json.Unmarshal([]byte(issues), &r.Issues)
	}
	r.ContentType, r.CreatedAt = study.ContentTypes()[kind], fromMicros(created)
	return mark{place{id: r.ContentID}, jsonBytes(r.Text) + jsonBytes(issues)}, err
}

// Ratings implements Store.
func (s *sqlStore) Ratings(ctx context.Context, userID string, p Page) ([]study.Rating, string, error) {
	var c checks
	c.user(userID)
	from := c.before("ratings", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	const query = `SELECT c.id, c.user_id, c.type, f.rating, f.text, f.issues, f.created_at FROM feedback f JOIN contents c ON c.id = f.content_id
		WHERE c.user_id = $1 AND c.id < $2 ORDER BY c.id DESC LIMIT $3`
	return page(ctx, s, "ratings", p.Limit, scanRating, query, userID, from.id)
}

func scanDoneReview(row scanner, v *study.DoneReview) (mark, error) {
	var at, millis int64
	err := row.Scan(&v.ID, &v.UserID, &v.CardID, &v.Rating, &v.State, &at, &millis)
	v.At, v.DurationMS = fromMicros(at), millis
	return mark{place{at: at, id: v.ID}, 0}, err
}

// UserReviews implements Store.
func (s *sqlStore) UserReviews(ctx context.Context, userID string, p Page) ([]study.DoneReview, string, error) {
	var c checks
	c.user(userID)
	from := c.before("reviews", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	const query = `SELECT id, user_id, card_id, rating, state, reviewed_at, millis FROM reviews
		WHERE user_id = $1 AND (reviewed_at, id) < ($2, $3) ORDER BY reviewed_at DESC, id DESC LIMIT $4`
	return page(ctx, s, "reviews", p.Limit, scanDoneReview, query, userID, from.at, from.id)
}

// UserCards implements Store.
func (s *sqlStore) UserCards(ctx context.Context, userID string, p Page) ([]study.Card, string, error) {
	var c checks
	c.user(userID)
	from := c.before("cards", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	scan := func(row scanner, v *study.Card) (mark, error) {
		m, err := scanCard(row, v)
		m.id = v.ID
		return m, err
	}
	const query = "SELECT " + cardColumns + ` FROM cards
		WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`
	return page(ctx, s, "cards", p.Limit, scan, query, userID, from.id)
}

// userRows are the statements that delete a user's rows, each with its batch size. Dependent rows are deleted with
// their batch. A batch smaller than that size is the user's last one.
var userRows = []struct {
	batch   int64
	removes []string // the last statement's rows count; $1 = the user, $2 = the batch
}{
	{50, []string{"DELETE FROM notes WHERE id IN (SELECT id FROM notes WHERE user_id = $1 LIMIT $2)"}},
	{20, []string{"DELETE FROM contents WHERE id IN (SELECT id FROM contents WHERE user_id = $1 LIMIT $2)"}},
	{20, []string{
		"DELETE FROM runs WHERE session_id IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY updated_at, id LIMIT $2)",
		"DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY updated_at, id LIMIT $2)",
	}},
	{500, []string{"DELETE FROM executions WHERE num IN (SELECT num FROM executions WHERE user_id = $1 LIMIT $2)"}},
	{500, []string{"DELETE FROM idempotency WHERE user_id = $1 AND key IN (SELECT key FROM idempotency WHERE user_id = $1 LIMIT $2)"}},
	{500, []string{"DELETE FROM reviews WHERE user_id = $1 AND id IN (SELECT id FROM reviews WHERE user_id = $1 LIMIT $2)"}},
	{2, []string{"DELETE FROM review_settings WHERE user_id IN (SELECT user_id FROM review_settings WHERE user_id = $1 LIMIT $2)"}},
	{2, []string{"DELETE FROM preferences WHERE user_id IN (SELECT user_id FROM preferences WHERE user_id = $1 LIMIT $2)"}},
	{500, []string{"DELETE FROM tokens WHERE user_id = $1 AND day IN (SELECT day FROM tokens WHERE user_id = $1 LIMIT $2)"}},
	{2, []string{"DELETE FROM usage WHERE user_id IN (SELECT user_id FROM usage WHERE user_id = $1 LIMIT $2)"}},       // after all the rows that it counts
	{2, []string{"DELETE FROM accounts WHERE user_id IN (SELECT user_id FROM accounts WHERE user_id = $1 LIMIT $2)"}}, // last, so that the owner can try again until everything is deleted
}

// DeleteUser implements Store.
func (s *sqlStore) DeleteUser(ctx context.Context, userID string) error {
	var c checks
	if c.user(userID); c.err() != nil {
		return c.err()
	}
	if err := s.runs.flush(ctx); err != nil { // otherwise they would be written afterwards
		return err
	}
	for _, of := range userRows {
		for removed := of.batch; removed == of.batch; {
			err := s.transact(ctx, func(ctx context.Context, t tx) (err error) {
				for _, query := range of.removes {
					if removed, err = t.exec(ctx, query, []any{userID, of.batch}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
