package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"studysharper/app/study"
)

const sessionColumns = "id, user_id, title, messages, created_at, updated_at"

func scanSession(row scanner, v *study.Session) (int, error) {
	var created, updated int64
	err := row.Scan(&v.ID, &v.UserID, &v.Title, &v.Messages, &created, &updated)
	v.CreatedAt, v.UpdatedAt = fromMicros(created), fromMicros(updated)
	return len(v.Title), err
}

func scanMessage(row scanner, m *study.Message) (int, error) {
	var created int64
	err := row.Scan(&m.ID, &m.Role, &m.Text, &created)
	m.CreatedAt = fromMicros(created)
	return len(m.Text), err
}

func noSession() error { return study.Errorf(study.CodeNotFound, "the session does not exist") }

// AppendMessages implements Store.
func (s *sqlite) AppendMessages(ctx context.Context, v study.Session, msgs ...study.Message) error {
	if err := checkAppend(v, msgs); err != nil {
		return err
	}
	v.ID = strings.ToLower(v.ID)
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		at := now()
		if err := keepSession(ctx, tx, v, at); err != nil {
			return err
		}
		added, err := addMessages(ctx, tx, v.ID, msgs)
		if err != nil {
			return err
		}
		const count = `UPDATE sessions SET messages = messages + ?, updated_at = max(?, updated_at) WHERE id = ?`
		_, err = tx.ExecContext(ctx, count, added, micros(at), v.ID)
		return err
	})
}

func checkAppend(v study.Session, msgs []study.Message) error {
	var c checks
	c.uuid("session_id", v.ID)
	c.user(v.UserID)
	c.title(v.Title)
	c.add(len(msgs) > MaxRows, "messages", "at most 200 at once")
	for _, m := range msgs {
		c.add(m.Role != study.RoleUser && m.Role != study.RoleAssistant, "role", "user or assistant")
		if m.ID != "" {
			c.uuid("id", m.ID)
		}
	}
	return c.err()
}

// keepSession makes the session or, if it is the same user's, gives it the title it
// lacks.
func keepSession(ctx context.Context, tx *sql.Tx, v study.Session, at time.Time) error {
	const upsert = `INSERT INTO sessions (id, user_id, title, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET title = iif(title = '', excluded.title, title)
		WHERE user_id = excluded.user_id`
	created := v.CreatedAt
	if created.IsZero() {
		created = at
	}
	n, err := affected(tx.ExecContext(ctx, upsert, v.ID, v.UserID, v.Title, micros(created), micros(at)))
	if err == nil && n == 0 {
		return noSession()
	}
	return err
}

func addMessages(ctx context.Context, tx *sql.Tx, sessionID string, msgs []study.Message) (added int64, err error) {
	const insert = `INSERT INTO messages (session_id, id, role, content, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (session_id, id) DO NOTHING`
	for _, m := range msgs {
		id := strings.ToLower(m.ID)
		if id == "" {
			id = newID()
		}
		r, err := tx.ExecContext(ctx, insert, sessionID, id, m.Role, mend(m.Text, MaxMessageBytes), micros(orNow(m.CreatedAt)))
		n, err := affected(r, err)
		if err != nil {
			return 0, err
		}
		added += n
	}
	return added, nil
}

// Sessions implements Store.
func (s *sqlite) Sessions(ctx context.Context, userID string, limit int) ([]study.Session, error) {
	var c checks
	if c.user(userID); c.err() != nil {
		return nil, c.err()
	}
	const query = "SELECT " + sessionColumns + ` FROM sessions
		WHERE user_id = ? ORDER BY updated_at DESC, id DESC LIMIT ?`
	return list(ctx, s, scanSession, query, userID, clampLimit(limit))
}

// Session implements Store.
func (s *sqlite) Session(ctx context.Context, id string) (study.Session, error) {
	const query = "SELECT " + sessionColumns + " FROM sessions WHERE id = ?"
	v, err := one(ctx, s, scanSession, query, strings.ToLower(id))
	return v, missing(err, noSession)
}

// DeleteSession implements Store.
func (s *sqlite) DeleteSession(ctx context.Context, id string) error {
	n, err := s.exec(ctx, "DELETE FROM sessions WHERE id = ?", strings.ToLower(id))
	if err == nil && n == 0 {
		return noSession()
	}
	return err
}

// Messages implements Store.
func (s *sqlite) Messages(ctx context.Context, sessionID string, limit int) ([]study.Message, error) {
	const query = `SELECT id, role, content, created_at FROM messages
		WHERE session_id = ? ORDER BY num DESC LIMIT ?`
	newest, err := list(ctx, s, scanMessage, query, strings.ToLower(sessionID), clampLimit(limit))
	slices.Reverse(newest)
	return newest, err
}
