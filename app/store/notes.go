package store

import (
	"context"
	"strings"
	"unicode"

	"studysharper/app/study"
)

const noteColumns = "id, user_id, title, content, created_at, updated_at"

func scanNote(row scanner, n *study.Note) (mark, error) {
	var created, updated int64
	err := row.Scan(&n.ID, &n.UserID, &n.Title, &n.Content, &created, &updated)
	n.CreatedAt, n.UpdatedAt = fromMicros(created), fromMicros(updated)
	return mark{place{id: n.ID}, jsonBytes(n.Title) + jsonBytes(n.Content)}, err
}

func noNote() error { return study.Errorf(study.CodeNotFound, "the note does not exist") }

func (c *checks) content(s string) {
	c.add(len(s) > MaxNoteBytes, "content", "at most 1 MiB")
	c.text("content", s)
}

// CreateNote implements Store.
func (s *sqlStore) CreateNote(ctx context.Context, n study.Note) (study.Note, error) {
	var c checks
	c.user(n.UserID)
	c.title(n.Title)
	c.content(n.Content)
	if err := c.err(); err != nil {
		return study.Note{}, err
	}
	n.ID, n.CreatedAt = newID(), now()
	n.UpdatedAt = n.CreatedAt
	const insert = `INSERT INTO notes (id, user_id, title, content, created_at, updated_at, indexed) VALUES ($1, $2, $3, $4, $5, $6, 1)
		RETURNING num`
	args := []any{n.ID, n.UserID, n.Title, n.Content, micros(n.CreatedAt), micros(n.UpdatedAt)}
	index := indexNote(n.Title, n.Content) // before the transaction, which others wait for
	err := s.transact(ctx, func(ctx context.Context, t tx) error {
		var num int64
		if err := t.row(ctx, insert, args...).Scan(&num); err != nil {
			return err
		}
		if err := s.checkQuota(ctx, t, n.UserID); err != nil {
			return err
		}
		return s.engine.index(ctx, t, num, n.UserID, index)
	})
	if err != nil {
		return study.Note{}, err
	}
	return n, nil
}

// Note implements Store.
func (s *sqlStore) Note(ctx context.Context, userID, id string) (study.Note, error) {
	if !isUUID(id) || !storable(userID) {
		return study.Note{}, noNote()
	}
	const query = "SELECT " + noteColumns + " FROM notes WHERE id = $1 AND $2 IN ('', user_id)"
	n, err := one(ctx, s, scanNote, query, strings.ToLower(id), userID)
	return n, missing(err, noNote)
}

// UpdateNote implements Store.
func (s *sqlStore) UpdateNote(ctx context.Context, userID, id string, title, content *string) (study.Note, error) {
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
	if title == nil && content == nil || !isUUID(id) || !storable(userID) {
		return s.Note(ctx, userID, id)
	}
	n, err := s.Note(ctx, userID, id)
	if err != nil {
		return study.Note{}, err
	}
	before := len(n.Title) + len(n.Content)
	n.Title, n.Content = deref(title, n.Title), deref(content, n.Content)
	index := indexNote(n.Title, n.Content) // before the transaction, which others wait for
	const update = `UPDATE notes SET title = coalesce($1, title), content = coalesce($2, content), indexed = 1,
		updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at END WHERE id = $4 AND $5 IN ('', user_id) RETURNING num, ` + noteColumns
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		var num int64
		var written study.Note
		row := t.row(ctx, update, title, content, micros(now()), strings.ToLower(id), userID)
		if _, err := scanNote(after{row, &num}, &written); err != nil {
			return missing(err, noNote)
		}
		if written.Title != n.Title || written.Content != n.Content { // changed meanwhile, in the other part
			index = indexNote(written.Title, written.Content)
		}
		if n = written; len(n.Title)+len(n.Content) > before {
			if err := s.checkQuota(ctx, t, n.UserID); err != nil {
				return err
			}
		}
		return s.engine.index(ctx, t, num, n.UserID, index)
	})
	if err != nil {
		return study.Note{}, err
	}
	return n, nil
}

// after is a row with a column before those that Scan is given.
type after struct {
	scanner
	first any
}

func (a after) Scan(into ...any) error { return a.scanner.Scan(append([]any{a.first}, into...)...) }

func deref(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

// DeleteNote implements Store.
func (s *sqlStore) DeleteNote(ctx context.Context, userID, id string) error {
	if !isUUID(id) || !storable(userID) {
		return noNote()
	}
	const remove = "DELETE FROM notes WHERE id = $1 AND $2 IN ('', user_id)"
	n, err := s.exec(ctx, remove, strings.ToLower(id), userID)
	if err == nil && n == 0 {
		return noNote()
	}
	return err
}

// Notes implements Store.
func (s *sqlStore) Notes(ctx context.Context, q NoteQuery) ([]study.Note, string, error) {
	search := strings.TrimFunc(q.Search, unicode.IsSpace)
	var c checks
	c.user(q.UserID)
	from := c.before("notes", q.Before)
	c.add(q.Before != "" && search != "", "before", "not together with a search")
	if err := c.err(); err != nil {
		return nil, "", err
	}
	if search != "" {
		notes, err := s.searchNotes(ctx, q)
		return notes, "", err
	}
	const query = "SELECT " + noteColumns + ` FROM notes
		WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`
	return page(ctx, s, "notes", q.Limit, scanNote, query, q.UserID, from.id)
}

// NotesByID implements Store.
func (s *sqlStore) NotesByID(ctx context.Context, userID string, ids []string) ([]study.Note, error) {
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
		if bytes += len(n.Title) + len(n.Content); bytes > MaxGivenBytes {
			return nil, study.Invalid([]study.Fault{{Field: "note_ids", Detail: "the notes hold over 8 MiB together"}})
		}
		notes = append(notes, n)
	}
	return notes, nil
}

// nameNote names the note that is missing; what is not an id is not repeated.
func nameNote(err error, id string) error {
	if study.AsError(err).Code != study.CodeNotFound {
		return err
	}
	if !isUUID(id) {
		return study.Errorf(study.CodeNotFound, "a note id is not a UUID")
	}
	return study.Errorf(study.CodeNotFound, "note %s does not exist", id)
}
