package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/study"
)

// NoteQuery selects the notes of a user to list.
type NoteQuery struct {
	UserID string // required
	// Search contains words, and phrases in quotation marks, to find in title and content; the best match comes first.
	// A blank Search lists all notes, newest first. It is never query syntax. A word matches in any of its forms,
	// regardless of case and diacritics, and the last word may be a prefix (of three bytes or more). Only the first 32
	// words are used, and 64 runes of each. If more than MaxRanked passages match, those with the rarest words are
	// ranked, and of equals the newest.
	Search string
	// AnyWord finds notes that contain at least one word of Search; otherwise they must contain all.
	AnyWord bool
	Subject string // only notes with exactly this subject; "" = all
	Brief   bool   // only the first 200 characters of Content
	Page           // Before cannot be combined with Search
}

const noteColumns = "id, user_id, title, content, subject, tags, created_at, updated_at"

// columns returns the note columns that a query lists.
func (q NoteQuery) columns() string {
	if !q.Brief {
		return noteColumns
	}
	return strings.Replace(noteColumns, "content", "substr(content, 1, 200)", 1)
}

func scanNote(row scanner, n *study.Note) (mark, error) {
	var created, updated int64
	var tags string
	err := row.Scan(&n.ID, &n.UserID, &n.Title, &n.Content, &n.Subject, &tags, &created, &updated)
	n.CreatedAt, n.UpdatedAt, n.Tags = fromMicros(created), fromMicros(updated), readTexts(tags)
	return mark{place{id: n.ID}, jsonBytes(n.Title) + jsonBytes(n.Content) + jsonBytes(n.Subject) + len(tags)}, err
}

// readTexts parses a column that holds a JSON array of strings.
func readTexts(column string) (texts []string) {
	if json.Unmarshal([]byte(column), &texts) != nil || texts == nil {
		return []string{}
	}
	return texts
}

// writeTexts encodes a list of strings for such a column.
func writeTexts(texts []string) string {
	column, err := json.Marshal(append([]string{}, texts...))
	if err != nil { // strings always marshal
		panic(err)
	}
	return string(column)
}

func noNote() error { return study.Errorf(study.CodeNotFound, "the note does not exist") }

func (c *checks) content(s string) {
	c.add(len(s) > MaxNoteBytes, "content", "at most 1 MiB")
	c.text("content", s)
}

func (c *checks) subject(s string) {
	c.add(utf8.RuneCountInString(s) > MaxTitleRunes, "subject", "at most 200 characters")
	c.text("subject", s)
}

// tags checks the tags of a note and removes duplicates.
func (c *checks) tags(given []string) (tags []string) {
	for _, tag := range given {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
		c.add(tag == "" || utf8.RuneCountInString(tag) > MaxTagRunes, "tags", "1 to 50 characters each")
		c.text("tags", tag)
	}
	c.add(len(tags) > MaxTags, "tags", "at most 20")
	return append([]string{}, tags...)
}

// CreateNote implements Store.
func (s *sqlStore) CreateNote(ctx context.Context, n study.Note) (study.Note, error) {
	var c checks
	c.user(n.UserID)
	c.title(n.Title)
	c.content(n.Content)
	c.subject(n.Subject)
	n.Tags = c.tags(n.Tags)
	if err := c.err(); err != nil {
		return study.Note{}, err
	}
	n.ID, n.CreatedAt = newID(), now()
	n.UpdatedAt = n.CreatedAt
	const insert = "INSERT INTO notes (" + noteColumns + ", indexed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) RETURNING num"
	args := []any{n.ID, n.UserID, n.Title, n.Content, n.Subject, writeTexts(n.Tags), micros(n.CreatedAt), micros(n.UpdatedAt)}
	index := indexNote(n.Title, n.Content) // before the transaction, because others wait for it
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
func (s *sqlStore) UpdateNote(ctx context.Context, userID, id string, change study.NoteChange) (study.Note, error) {
	tags, err := checkNoteChange(change)
	if err != nil {
		return study.Note{}, err
	}
	if change == (study.NoteChange{}) || !isUUID(id) || !storable(userID) {
		return s.Note(ctx, userID, id)
	}
	n, err := s.Note(ctx, userID, id)
	if err != nil {
		return study.Note{}, err
	}
	before := len(n.Title) + len(n.Content)
	n.Title, n.Content = deref(change.Title, n.Title), deref(change.Content, n.Content)
	index := indexNote(n.Title, n.Content) // before the transaction, because others wait for it
	const update = `UPDATE notes SET title = coalesce($1, title), content = coalesce($2, content), indexed = 1,
		subject = coalesce($3, subject), tags = coalesce($4, tags),
		updated_at = CASE WHEN updated_at < $5 THEN $5 ELSE updated_at END WHERE id = $6 AND $7 IN ('', user_id) RETURNING num, ` + noteColumns
	err = s.transact(ctx, func(ctx context.Context, t tx) error {
		var num int64
		var written study.Note
		row := t.row(ctx, update, change.Title, change.Content, change.Subject, tags, micros(now()), strings.ToLower(id), userID)
		if _, err := scanNote(after{row, &num}, &written); err != nil {
			return missing(err, noNote)
		}
		if written.Title != n.Title || written.Content != n.Content { // another change was committed in the meantime
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

// checkNoteChange returns the new value of the tags column; nil if the tags stay.
func checkNoteChange(change study.NoteChange) (tags *string, err error) {
	var c checks
	if change.Title != nil {
		c.title(*change.Title)
	}
	if change.Content != nil {
		c.content(*change.Content)
	}
	if change.Subject != nil {
		c.subject(*change.Subject)
	}
	if change.Tags != nil {
		column := writeTexts(c.tags(*change.Tags))
		tags = &column
	}
	return tags, c.err()
}

// after is a row whose first column is scanned separately.
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
	c.text("subject", q.Subject)
	from := c.before("notes", q.Before)
	c.add(q.Before != "" && search != "", "before", "not together with a search")
	if err := c.err(); err != nil {
		return nil, "", err
	}
	if search != "" {
		notes, err := s.searchNotes(ctx, q)
		return notes, "", err
	}
	query := "SELECT " + q.columns() + ` FROM notes
		WHERE user_id = $1 AND id < $2 AND $3 IN ('', subject) ORDER BY id DESC LIMIT $4`
	return page(ctx, s, "notes", q.Limit, scanNote, query, q.UserID, from.id, q.Subject)
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
			return nil, study.Invalid([]study.Fault{{Field: "note_ids", Detail: "the notes have more than 8 MiB in total"}})
		}
		notes = append(notes, n)
	}
	return notes, nil
}

// nameNote adds the id of the missing note to err, unless it is not a UUID.
func nameNote(err error, id string) error {
	if study.AsError(err).Code != study.CodeNotFound {
		return err
	}
	if !isUUID(id) {
		return study.Errorf(study.CodeNotFound, "a note id is not a UUID")
	}
	return study.Errorf(study.CodeNotFound, "note %s does not exist", id)
}
