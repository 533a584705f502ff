package store

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"strings"

	"studysharper/app/passages"
)

// ownerLetters is the length of the prefix that identifies the owner of each term in the index, so that a search reads
// the terms of one user only. It encodes 50 bits of a hash. If two users share a prefix, a search finds both users'
// passages and removes the other user's before it returns any.
const ownerLetters = 10

var ownerAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

func ownerOf(userID string) string {
	sum := sha256.Sum256([]byte(userID))
	return ownerAlphabet.EncodeToString(sum[:])[:ownerLetters]
}

// ownedTerms returns terms with the owner's prefix.
func ownedTerms(owner string, terms []string) string {
	var b strings.Builder
	for _, t := range terms {
		b.WriteString(owner)
		b.WriteString(t)
		b.WriteByte(' ')
	}
	return b.String()
}

// index implements engine.
func (*sqlite) index(ctx context.Context, t tx, note int64, userID string, list []indexedPassage) error {
	const (
		forgetWords = "DELETE FROM passage_words WHERE rowid IN (SELECT num FROM passages WHERE num >= $1 AND num < $2)"
		forget      = "DELETE FROM passages WHERE num >= $1 AND num < $2"
		insert      = `INSERT INTO passages (num, begins, ends, section, page, language, words, counts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
		insertWords = "INSERT INTO passage_words (rowid, words) VALUES ($1, $2)"
	)
	from, to := note*maxPassages, (note+1)*maxPassages
	for _, query := range []string{forgetWords, forget} {
		if _, err := t.exec(ctx, query, []any{from, to}); err != nil {
			return err
		}
	}
	owner := ownerOf(userID)
	for i, p := range list {
		num := from + int64(i)
		if _, err := t.exec(ctx, insert, p.rowArgs(num)); err != nil {
			return err
		}
		if _, err := t.exec(ctx, insertWords, []any{num, ownedTerms(owner, p.terms)}); err != nil {
			return err
		}
	}
	return nil
}

// matching implements engine.
func (*sqlite) matching(userID string, groups [][]passages.Word, before int64, limit int) (query string, args []any) {
	return "SELECT rowid FROM passage_words WHERE passage_words MATCH $1 AND rowid < $2 ORDER BY rowid DESC LIMIT $3",
		[]any{ftsQuery(userID, groups), before, limit}
}

// ftsQuery returns an FTS5 query for a user's passages that contain a word of each group.
// https://sqlite.org/fts5.html#full_text_query_syntax
func ftsQuery(userID string, groups [][]passages.Word) string {
	owner, all := ownerOf(userID), make([]string, len(groups))
	for i, words := range groups {
		var terms []string
		for _, w := range words {
			for _, t := range w.Terms {
				terms = append(terms, `"`+owner+t+`"`)
			}
			if w.Begins != "" {
				terms = append(terms, `"`+owner+w.Begins+`" *`)
			}
		}
		all[i] = "(" + strings.Join(terms, " OR ") + ")"
	}
	return strings.Join(all, " AND ")
}

// picked implements engine.
func (*sqlite) picked(nums []int64) (table string, arg any) {
	list, err := json.Marshal(nums)
	if err != nil {
		panic(err) // numbers always marshal
	}
	return "(SELECT key, value FROM json_each($1)) AS picked", string(list) // the table has a column id too
}
