package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
)

// A sessionSource is the material that a session is about.
type sessionSource struct {
	noteIDs []string
	content string
}

// SessionSource implements Store.
func (s *sqlStore) SessionSource(ctx context.Context, sessionID string) (noteIDs []string, content string, err error) {
	scan := func(r scanner, v *sessionSource) (mark, error) {
		var ids string
		if err := r.Scan(&ids, &v.content); err != nil {
			return mark{}, err
		}
		return mark{}, json.Unmarshal([]byte(ids), &v.noteIDs)
	}
	kept, err := one(ctx, s, scan, "SELECT note_ids, content FROM session_sources WHERE session_id = $1", strings.ToLower(sessionID))
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return kept.noteIDs, kept.content, err
}

// KeepSessionSource implements Store.
func (s *sqlStore) KeepSessionSource(ctx context.Context, sessionID string, noteIDs []string, content string) error {
	var c checks
	c.add(len(noteIDs) > MaxRows, "note_ids", "at most 200 notes")
	c.content(content)
	if err := c.err(); err != nil {
		return err
	}
	ids, err := json.Marshal(append([]string{}, noteIDs...))
	if err != nil {
		return err
	}
	const keep = `INSERT INTO session_sources (session_id, note_ids, content) SELECT id, $2, $3 FROM sessions WHERE id = $1
		ON CONFLICT (session_id) DO UPDATE SET note_ids = excluded.note_ids, content = excluded.content`
	_, err = s.exec(ctx, keep, strings.ToLower(sessionID), string(ids), content)
	return err
}
