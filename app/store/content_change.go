package store

import (
	"context"
	"encoding/json"
	"strings"

	"studysharper/app/library"
	"studysharper/app/study"
)

// MaxMerged is the most aids that one call can merge into another.
const MaxMerged = 20

// UpdateContent implements Store.
func (s *sqlStore) UpdateContent(ctx context.Context, userID string, t study.Type, id string, change func(*study.Content) error) (study.Content, error) {
	if !isUUID(id) || !storable(userID) {
		return study.Content{}, noContent()
	}
	var v study.Content
	var refused error
	err := s.transact(ctx, func(ctx context.Context, x tx) (err error) {
		refused = nil
		if v, err = lockContent(ctx, x, userID, t, id); err != nil {
			return err
		}
		before := cardsOf(v)
		if refused = change(&v); refused != nil { // the other changes of this transaction stay
			return nil //nolint:nilerr // it is returned after the transaction
		}
		return rewriteContent(ctx, x, &v, before)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return study.Content{}, err
	}
	return v, nil
}

// lockContent reads an aid for a change and locks it until the transaction ends.
func lockContent(ctx context.Context, t tx, userID string, of study.Type, id string) (v study.Content, err error) {
	const lock = "UPDATE contents SET items = items WHERE id = $1 AND type = $2 AND $3 IN ('', user_id) RETURNING " + contentColumns
	_, err = scanContent(t.row(ctx, lock, strings.ToLower(id), of, userID), &v)
	return v, missing(err, noContent)
}

// rewriteContent stores a changed aid and those of its cards that differ from before.
func rewriteContent(ctx context.Context, t tx, v *study.Content, before []card) error {
	var c checks
	if c.aid(*v); c.err() != nil {
		return c.err()
	}
	in := indexContent(v)
	if at := now(); at.After(v.UpdatedAt) {
		v.UpdatedAt = at
	}
	const update = "UPDATE contents SET title = $1, subject = $2, data = $3, items = $4, words = $5, updated_at = $6 WHERE id = $7"
	if _, err := t.exec(ctx, update, []any{v.Title, v.Subject, v.Data, v.Items, in.words, micros(v.UpdatedAt), v.ID}); err != nil {
		return err
	}
	return changeCards(ctx, t, *v, before, in.cards)
}

// MergeContents implements Store.
func (s *sqlStore) MergeContents(ctx context.Context, userID string, t study.Type, into string, from ...string) (study.Content, error) {
	var c checks
	c.add(len(from) == 0 || len(from) > MaxMerged, "from", "1 to 20 ids")
	for _, id := range from {
		c.uuid("from", id)
		c.add(strings.EqualFold(id, into), "from", "must not hold the content that it is merged into")
	}
	if err := c.err(); err != nil {
		return study.Content{}, err
	}
	if !isUUID(into) || !storable(userID) {
		return study.Content{}, noContent()
	}
	var v study.Content
	err := s.transact(ctx, func(ctx context.Context, x tx) (err error) {
		if v, err = lockContent(ctx, x, userID, t, into); err != nil {
			return err
		}
		for _, id := range from {
			if err := mergeOne(ctx, x, &v, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return study.Content{}, err
	}
	return v, nil
}

// mergeOne moves the items of another aid into into; cards keep their review memory.
func mergeOne(ctx context.Context, t tx, into *study.Content, id string) error {
	other, err := lockContent(ctx, t, into.UserID, into.Type, id)
	if err != nil {
		return err
	}
	to, _, err := library.Read(into.Type, into.Data)
	if err != nil {
		return err
	}
	from, _, err := library.Read(other.Type, other.Data)
	if err != nil {
		return err
	}
	moved, err := library.Merge(to, from)
	if err != nil {
		return err
	}
	before := *into
	if into.Data, err = json.Marshal(to); err != nil {
		return study.Wrap(err, study.CodeInternal, "the merged content cannot be written")
	}
	if err := moveCards(ctx, t, into.ID, other.ID, moved); err != nil {
		return err
	}
	if _, err := t.exec(ctx, "DELETE FROM contents WHERE id = $1", []any{other.ID}); err != nil {
		return err
	}
	return rewriteContent(ctx, t, into, append(cardsOf(before), movedCards(other, moved)...))
}

// cardsOf returns the cards of an aid as stored.
func cardsOf(v study.Content) []card { return indexContent(&v).cards }

// movedCards returns the cards of an aid under the ids that they have after a merge.
func movedCards(from study.Content, moved []library.Moved) (cards []card) {
	data := make(map[string]string)
	for _, c := range cardsOf(from) {
		data[c.item] = c.data
	}
	for _, m := range moved {
		if d, is := data[m.From]; is && m.To != "" {
			cards = append(cards, card{m.To, d})
		}
	}
	return cards
}

// DeleteContent implements Store.
func (s *sqlStore) DeleteContent(ctx context.Context, userID string, t study.Type, id string) error {
	if !isUUID(id) || !storable(userID) {
		return noContent()
	}
	n, err := s.exec(ctx, "DELETE FROM contents WHERE id = $1 AND type = $2 AND $3 IN ('', user_id)", strings.ToLower(id), t, userID)
	if err == nil && n == 0 {
		return noContent()
	}
	return err
}
