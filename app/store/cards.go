package store

import (
	"context"
	"time"

	"studysharper/app/library"
	"studysharper/app/study"
)

// changeCards updates the rows of a deck's cards to match its items. A card that still exists keeps its review memory;
// only the differences are written.
func changeCards(ctx context.Context, t tx, deck study.Content, before, after []card) error {
	had := make(map[string]string, len(before))
	for _, c := range before {
		had[c.item] = c.data
	}
	joined := now()
	var add, change, remove [][]any
	for i, c := range after {
		data, known := had[c.item]
		switch {
		case !known: // a microsecond apart, so that new cards come in the order of their deck
			due := micros(joined.Add(time.Duration(i) * time.Microsecond))
			add = append(add, []any{newID(), deck.ID, c.item, deck.UserID, []byte(c.data), due})
		case data != c.data:
			change = append(change, []any{[]byte(c.data), deck.ID, c.item})
		}
		delete(had, c.item)
	}
	for item := range had {
		remove = append(remove, []any{deck.ID, item})
	}
	for _, w := range []struct {
		query string
		rows  [][]any
	}{
		{"DELETE FROM cards WHERE content_id = $1 AND item_id = $2", remove},
		{"UPDATE cards SET data = $1 WHERE content_id = $2 AND item_id = $3", change},
		{"INSERT INTO cards (id, content_id, item_id, user_id, data, due) VALUES ($1, $2, $3, $4, $5, $6)", add},
	} {
		if len(w.rows) == 0 {
			continue
		}
		if _, err := t.exec(ctx, w.query, w.rows...); err != nil {
			return err
		}
	}
	return nil
}

// moveCards moves the rows of merged cards to their new deck, with their review memory.
func moveCards(ctx context.Context, t tx, to, from string, moved []library.Moved) error {
	var rows [][]any
	for _, m := range moved {
		if m.To != "" {
			rows = append(rows, []any{to, m.To, from, m.From})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := t.exec(ctx, "UPDATE cards SET content_id = $1, item_id = $2 WHERE content_id = $3 AND item_id = $4", rows...)
	return err
}
