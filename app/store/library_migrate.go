package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pressly/goose/v3"

	"studysharper/app/study"
)

// These migrations index the stored study aids, which plain SQL cannot.
const (
	liteLibraryVersion = 10
	pgLibraryVersion   = 7
)

func libraryMigration(version int64) *goose.Migration {
	return goose.NewGoMigration(version, &goose.GoFunc{RunTx: indexLibrary}, nil)
}

// indexLibrary gives ids to the items of stored aids, counts the items and creates the rows of cards, one aid at a time.
// It uses only the columns of this schema version.
func indexLibrary(ctx context.Context, all *sql.Tx) error {
	const next = `SELECT id, user_id, type, title, data, created_at FROM contents WHERE id > $1 ORDER BY id LIMIT 1`
	const update = `UPDATE contents SET data = $1, items = $2, words = $3, updated_at = created_at WHERE id = $4`
	t := sqliteTx{all} // works with any driver
	for id := ""; ; {
		var v study.Content
		var created int64
		err := all.QueryRowContext(ctx, next, id).Scan(&v.ID, &v.UserID, &v.Type, &v.Title, &v.Data, &created)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		id = v.ID
		in := indexContent(&v)
		if _, err := t.exec(ctx, update, []any{v.Data, v.Items, in.words, v.ID}); err != nil {
			return err
		}
		if err := changeCards(ctx, t, v, nil, in.cards); err != nil {
			return err
		}
	}
}
