package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"strings"
	"unicode"

	"studysharper/app/study"
)

const noteColumns = "id, user_id, title, content, created_at, updated_at"

func scanNote(row scanner, n *study.Note) (int, error) {
	var created, updated int64
	err := row.Scan(&n.ID, &n.UserID, &n.Title, &n.Content, &created, &updated)
	n.CreatedAt, n.UpdatedAt = fromMicros(created), fromMicros(updated)
	return len(n.Title) + len(n.Content), err
}

func noNote() error { return study.Errorf(study.CodeNotFound, "the note does not exist") }

func (c *checks) content(s string) {
	c.add(len(s) > MaxNoteBytes, "content", "at most 1 MiB")
	c.text("content", s)
}

// CreateNote implements Store.
func (s *sqlite) CreateNote(ctx context.Context, n study.Note) (study.Note, error) {
	var c checks
	c.user(n.UserID)
	c.title(n.Title)
	c.content(n.Content)
	if err := c.err(); err != nil {
		return study.Note{}, err
	}
	n.ID, n.CreatedAt = newID(), now()
	n.UpdatedAt = n.CreatedAt
	const insert = `INSERT INTO notes (id, user_id, title, content, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)`
	_, err := s.exec(ctx, insert, n.ID, n.UserID, n.Title, n.Content, micros(n.CreatedAt), micros(n.UpdatedAt))
	if err != nil {
		return study.Note{}, err
	}
	return n, nil
}

// Note implements Store.
func (s *sqlite) Note(ctx context.Context, userID, id string) (study.Note, error) {
	const query = "SELECT " + noteColumns + " FROM notes WHERE id = ?1 AND ?2 IN ('', user_id)"
	n, err := one(ctx, s, scanNote, query, strings.ToLower(id), userID)
	return n, missing(err, noNote)
}

// UpdateNote implements Store.
func (s *sqlite) UpdateNote(ctx context.Context, userID, id string, title, content *string) (study.Note, error) {
	var c checks
	if title != nil {
		c.title(*title)
	}
	if content != nil {
		c.content(*content)
	}
	if err := c.err(); err != nil {
		return study.Note{}, err
	}
	if title == nil && content == nil {
		return s.Note(ctx, userID, id)
	}
	const update = `UPDATE notes SET title = coalesce(?1, title), content = coalesce(?2, content),
		updated_at = max(?3, updated_at) WHERE id = ?4 AND ?5 IN ('', user_id) RETURNING ` + noteColumns
	var n study.Note
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := scanNote(tx.QueryRowContext(ctx, update, title, content, micros(now()), strings.ToLower(id), userID), &n)
		return missing(err, noNote)
	})
	if err != nil {
		return study.Note{}, err
	}
	return n, nil
}

// DeleteNote implements Store.
func (s *sqlite) DeleteNote(ctx context.Context, userID, id string) error {
	const remove = "DELETE FROM notes WHERE id = ?1 AND ?2 IN ('', user_id)"
	n, err := s.exec(ctx, remove, strings.ToLower(id), userID)
	if err == nil && n == 0 {
		return noNote()
	}
	return err
}

// Notes implements Store.
func (s *sqlite) Notes(ctx context.Context, q NoteQuery) ([]study.Note, error) {
	search := strings.TrimFunc(q.Search, unicode.IsSpace)
	var c checks
	c.user(q.UserID)
	if q.Before != "" {
		c.uuid("before", q.Before)
		c.add(search != "", "before", "not together with a search")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if search != "" {
		return s.searchNotes(ctx, q)
	}
	// ~ sorts behind every UUID.
	before := cmp.Or(strings.ToLower(q.Before), "~")
	const query = "SELECT " + noteColumns + ` FROM notes
		WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?`
	return list(ctx, s, scanNote, query, q.UserID, before, clampLimit(q.Limit))
}

func (s *sqlite) searchNotes(ctx context.Context, q NoteQuery) ([]study.Note, error) {
	words := searchWords(q.Search)
	if len(words) == 0 {
		return []study.Note{}, nil
	}
	// The index ranks and cuts before a note's text is read.
	const query = `WITH hits AS MATERIALIZED (
			SELECT rowid AS num, rank FROM notes_fts WHERE notes_fts MATCH ? ORDER BY rank LIMIT ?)
		SELECT ` + noteColumns + ` FROM hits CROSS JOIN notes USING (num)
		ORDER BY rank, id DESC`
	return list(ctx, s, scanNote, query, ftsQuery(q.UserID, words, q.AnyWord), clampLimit(q.Limit))
}

// NotesByID implements Store.
func (s *sqlite) NotesByID(ctx context.Context, userID string, ids []string) ([]study.Note, error) {
	if len(ids) > MaxRows {
		return nil, study.Invalid([]study.Fault{{Field: "note_ids", Detail: "at most 200 notes"}})
	}
	notes, seen, bytes := []study.Note{}, map[string]bool{}, 0
	for _, id := range ids {
		if seen[strings.ToLower(id)] {
			continue
		}
		seen[strings.ToLower(id)] = true
		n, err := s.Note(ctx, userID, id)
		if err != nil {
			return nil, nameNote(err, id)
		}
		if bytes += len(n.Title) + len(n.Content); bytes > MaxListBytes {
			return nil, study.Invalid([]study.Fault{{Field: "note_ids", Detail: "the notes hold over 8 MiB together"}})
		}
		notes = append(notes, n)
	}
	return notes, nil
}

// nameNote names the note that is missing; what is no id is not repeated.
func nameNote(err error, id string) error {
	if study.AsError(err).Code != study.CodeNotFound {
		return err
	}
	if !isUUID(id) {
		return study.Errorf(study.CodeNotFound, "a note id is no UUID")
	}
	return study.Errorf(study.CodeNotFound, "note %s does not exist", id)
}

const (
	maxSearchWords  = 32
	maxWordRunes    = 64
	minPrefixBytes  = 3 // shorter beginnings match half the index; one Han character is long enough
	maxSearchedText = 64 << 10
)

// searchWords parts text into words, dropping everything that is none: what is left
// cannot be syntax of any query language.
func searchWords(text string) []string {
	text = mend(text, maxSearchedText)
	var words []string
	for w := range strings.FieldsFuncSeq(text, partsWords) {
		if !strings.ContainsFunc(w, isAlphanumeric) {
			continue // accents without a letter
		}
		if words = append(words, firstRunes(w, maxWordRunes)); len(words) == maxSearchWords {
			break
		}
	}
	return words
}

func partsWords(r rune) bool { return !isAlphanumeric(r) && !unicode.IsMark(r) }

func isAlphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// ftsQuery writes an FTS5 query for words found in a user's notes.
// https://sqlite.org/fts5.html#full_text_query_syntax
func ftsQuery(userID string, words []string, anyWord bool) string {
	var b strings.Builder
	b.WriteString(`owner : "` + hex.EncodeToString([]byte(userID)) + `" AND {title content} : (`)
	// Not AND: a word in a script that the index does not know would match nothing.
	join := " "
	if anyWord {
		join = " OR "
	}
	for i, w := range words {
		if i > 0 {
			b.WriteString(join)
		}
		b.WriteString(`"` + w + `"`)
		if i == len(words)-1 && !anyWord && len(w) >= minPrefixBytes {
			b.WriteString(` *`)
		}
	}
	b.WriteString(`)`)
	return b.String()
}
