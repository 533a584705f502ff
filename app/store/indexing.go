package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"studysharper/app/passages"
	"studysharper/app/study"
)

// maxPassages is an upper bound of the passages in a note of the largest size.
const maxPassages = 4096

// indexedPassage is a passage as stored.
type indexedPassage struct {
	passages.Passage
	language int
	words    int
	counts   passages.Counts
	terms    []string // unique
}

// indexNote splits a note into passages for the index. A note without content gets one empty passage, so that a search
// finds its title.
func indexNote(title, content string) []indexedPassage {
	list := passages.Split(content)
	if len(list) == 0 {
		list = []passages.Passage{{}}
	}
	stemmer := passages.NewStemmer(content + "\n" + title)
	out := make([]indexedPassage, 0, len(list))
	for _, p := range list[:min(len(list), maxPassages)] {
		terms := stemmer.Terms(title, p)
		out = append(out, indexedPassage{Passage: p, language: stemmer.Language(), words: len(terms), counts: passages.CountTerms(terms), terms: distinct(terms)})
	}
	return out
}

func distinct(terms []string) []string {
	seen := make(map[string]bool, len(terms))
	kept := terms[:0]
	for _, t := range terms {
		if !seen[t] {
			seen[t] = true
			kept = append(kept, t)
		}
	}
	return kept
}

// rowArgs are the values of the columns that every database has for a passage.
func (p indexedPassage) rowArgs(num int64) []any {
	return []any{num, p.Start, p.End, p.Section, p.Page, p.language, p.words, []byte(p.counts)}
}

// Timing of the background work on notes that an older version stored without an index.
const (
	indexingStarts = 2 * time.Second // after the process started
	indexingRests  = 3               // the pause is this many times as long as the previous note took, so that a small machine can serve requests in between
	indexingFails  = 30 * time.Second
)

// indexOld indexes the notes without an index one by one, each in its own transaction, until there are none left. A note
// that is changed in the meantime is indexed by its writer.
func (s *sqlStore) indexOld(ctx context.Context) {
	for wait := indexingStarts; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		more, err := s.indexNext(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.options.Log.Warn("indexing a note failed", "error", err)
			wait = indexingFails
		case !more:
			return
		default:
			wait = indexingRests * time.Since(began)
		}
	}
}

// indexNext indexes one note; more is false if there was none.
func (s *sqlStore) indexNext(ctx context.Context) (more bool, err error) {
	type row struct {
		num     int64
		updated int64
		note    study.Note
	}
	scan := func(r scanner, v *row) (mark, error) {
		return mark{}, r.Scan(&v.num, &v.updated, &v.note.UserID, &v.note.Title, &v.note.Content)
	}
	const next = "SELECT num, updated_at, user_id, title, content FROM notes WHERE indexed = 0 ORDER BY num LIMIT 1"
	found, err := one(ctx, s, scan, next)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	index := indexNote(found.note.Title, found.note.Content)
	return true, s.transact(ctx, func(ctx context.Context, t tx) error {
		const claim = "UPDATE notes SET indexed = 1 WHERE num = $1 AND indexed = 0 AND updated_at = $2"
		n, err := t.exec(ctx, claim, []any{found.num, found.updated})
		if err != nil || n == 0 { // another process or a writer has indexed it
			return err
		}
		return s.engine.index(ctx, t, found.num, found.note.UserID, index)
	})
}
