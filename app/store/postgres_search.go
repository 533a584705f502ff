package store

import (
	"context"
	"strings"

	"studysharper/app/passages"
)

// index implements engine.
func (*postgres) index(ctx context.Context, t tx, note int64, userID string, list []indexedPassage) error {
	const (
		forget = "DELETE FROM passages WHERE num >= $1 AND num < $2"
		insert = `INSERT INTO passages (num, begins, ends, section, page, language, words, counts, user_id, terms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::tsvector)`
	)
	from, to := note*maxPassages, (note+1)*maxPassages
	if _, err := t.exec(ctx, forget, []any{from, to}); err != nil {
		return err
	}
	rows := make([][]any, len(list))
	for i, p := range list {
		rows[i] = append(p.rowArgs(from+int64(i)), userID, "'"+strings.Join(p.terms, "' '")+"'")
		if len(p.terms) == 0 {
			rows[i][len(rows[i])-1] = ""
		}
	}
	_, err := t.exec(ctx, insert, rows...)
	return err
}

// matching implements engine.
func (*postgres) matching(userID string, groups [][]passages.Word, before int64, limit int) (query string, args []any) {
	return `SELECT num FROM passages WHERE ARRAY[user_id] @> ARRAY[$1::text COLLATE "C"] AND terms @@ $2::text::tsquery AND num < $3
		ORDER BY num DESC LIMIT $4`, []any{userID, tsQuery(groups), before, limit}
}

// tsQuery returns a tsquery for passages that contain a word of each group. Words contain no tsquery syntax.
func tsQuery(groups [][]passages.Word) string {
	all := make([]string, len(groups))
	for i, words := range groups {
		var terms []string
		for _, w := range words {
			terms = append(terms, "'"+strings.Join(w.Terms, "' | '")+"'")
			if w.Begins != "" {
				terms = append(terms, "'"+w.Begins+"':*")
			}
		}
		all[i] = "(" + strings.Join(terms, " | ") + ")"
	}
	return strings.Join(all, " & ")
}

// picked implements engine.
func (*postgres) picked(nums []int64) (table string, arg any) {
	return "unnest($1::bigint[]) WITH ORDINALITY AS picked(value, key)", nums
}
