package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"errors"
	"strings"

	"github.com/pressly/goose/v3"

	"studysharper/app/study"
)

// ownerLetters is the length of what stands before each word of a note in the index
// and names its owner, so that a search walks one user's notes and not everyone's: 50 bits
// of a hash. Should two users ever share them, they find each other's notes and drop
// them unseen.
const ownerLetters = 10

var ownerAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

func ownerOf(userID string) string {
	sum := sha256.Sum256([]byte(userID))
	return ownerAlphabet.EncodeToString(sum[:])[:ownerLetters]
}

// ownedWords writes the words of a text as the index holds them.
func ownedWords(owner, text string) string {
	var b strings.Builder
	b.Grow(2 * len(text))
	for w := range wordsOf(text) {
		b.WriteString(owner)
		b.WriteString(w)
		b.WriteByte(' ')
	}
	return b.String()
}

func (*sqlite) index(ctx context.Context, t tx, n study.Note) error {
	const replace = `INSERT OR REPLACE INTO note_words (rowid, title, content)
		SELECT num, $2, $3 FROM notes WHERE id = $1`
	owner := ownerOf(n.UserID)
	_, err := t.exec(ctx, replace, []any{n.ID, ownedWords(owner, n.Title), ownedWords(owner, n.Content)})
	return err
}

// search finds the newest matches first, then ranks them, and cuts before a note's text is
// read. The rank is asked for as a function: to order by the column of that name, FTS5
// would run a statement of its own, parsed again for each search.
func (*sqlite) search(userID string, words []string, anyWord bool, limit int) (query string, args []any) {
	return `WITH newest AS MATERIALIZED (
			SELECT rowid AS num, bm25(note_words, 4.0, 1.0) AS rank FROM note_words WHERE note_words MATCH $1
			ORDER BY rowid DESC LIMIT $2),
		hits AS MATERIALIZED (SELECT num, rank FROM newest ORDER BY rank LIMIT $3)
		SELECT ` + noteColumns + ` FROM hits CROSS JOIN notes USING (num)
		WHERE user_id = $4 ORDER BY rank, id DESC`, []any{ftsQuery(userID, words, anyWord), MaxRanked, limit, userID}
}

// ftsQuery writes an FTS5 query for words found in a user's notes.
// https://sqlite.org/fts5.html#full_text_query_syntax
func ftsQuery(userID string, words []string, anyWord bool) string {
	owner, terms := ownerOf(userID), make([]string, len(words))
	for i, w := range words {
		terms[i] = `"` + owner + w + `"`
	}
	if anyWord {
		return strings.Join(terms, " OR ")
	}
	if last := len(words) - 1; len(words[last]) >= minPrefixBytes {
		terms[last] += " *"
	}
	return strings.Join(terms, " AND ")
}

// indexVersion is the migration that fills note_words, which SQL cannot.
const indexVersion = 4

func indexMigration() *goose.Migration {
	return goose.NewGoMigration(indexVersion, &goose.GoFunc{RunTx: indexAll}, nil)
}

// indexAll indexes the notes of a database that had another index, one after the
// other.
func indexAll(ctx context.Context, all *sql.Tx) error {
	const next = `SELECT num, id, user_id, title, content FROM notes WHERE num > $1 ORDER BY num LIMIT 1`
	for num := int64(0); ; {
		var n study.Note
		err := all.QueryRowContext(ctx, next, num).Scan(&num, &n.ID, &n.UserID, &n.Title, &n.Content)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = (*sqlite)(nil).index(ctx, sqliteTx{all}, n)
		}
		if err != nil {
			return err
		}
	}
}
