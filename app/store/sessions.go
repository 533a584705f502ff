package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"studysharper/app/study"
)

const sessionColumns = "id, user_id, title, messages, created_at, updated_at"

func scanSession(row scanner, v *study.Session) (mark, error) {
	var created, updated int64
	err := row.Scan(&v.ID, &v.UserID, &v.Title, &v.Messages, &created, &updated)
	v.CreatedAt, v.UpdatedAt = fromMicros(created), fromMicros(updated)
	return mark{place{at: updated, id: v.ID}, jsonBytes(v.Title)}, err
}

func scanMessage(row scanner, m *study.Message) (mark, error) {
	var num, created int64
	var citations string
	if err := row.Scan(&num, &m.ID, &m.Role, &m.Text, &citations, &created); err != nil {
		return mark{}, err
	}
	m.CreatedAt = fromMicros(created)
	var err error
	if citations != "" {
		err = json.Unmarshal([]byte(citations), &m.Citations)
	}
	return mark{place{num: num}, jsonBytes(m.Text) + len(citations)}, err
}

const maxCitationsBytes = 64 << 10 // per message; more are not kept

// citationsText is a message's citations as JSON; "" = none.
func citationsText(m study.Message) string {
	if len(m.Citations) == 0 {
		return ""
	}
	text, err := json.Marshal(m.Citations)
	if err != nil || len(text) > maxCitationsBytes {
		return ""
	}
	return string(text)
}

func noSession() error { return study.Errorf(study.CodeNotFound, "the session does not exist") }

// AppendMessages implements Store.
func (s *sqlStore) AppendMessages(ctx context.Context, v study.Session, msgs ...study.Message) error {
	return s.appendWith(ctx, v, msgs, func(ctx context.Context, t tx) error { return s.checkQuota(ctx, t, v.UserID) })
}

// appendWith appends messages and applies another change, in one transaction.
func (s *sqlStore) appendWith(ctx context.Context, v study.Session, msgs []study.Message, change func(context.Context, tx) error) error {
	if err := checkAppend(v, msgs); err != nil {
		return err
	}
	v.ID = strings.ToLower(v.ID)
	return s.transact(ctx, func(ctx context.Context, t tx) error {
		if err := keepSession(ctx, t, v, msgs, now()); err != nil {
			return err
		}
		added, err := addMessages(ctx, t, v.ID, msgs)
		if held := int64(len(msgs)) - added; err == nil && held > 0 {
			const recount = `UPDATE sessions SET messages = messages - $1,
				bytes = (SELECT coalesce(sum(octet_length(content) + octet_length(citations)), 0) FROM messages WHERE session_id = $2) WHERE id = $2`
			_, err = t.exec(ctx, recount, []any{held, v.ID})
		}
		if err != nil {
			return err
		}
		return change(ctx, t)
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

// keepSession creates the session or, if it belongs to the same user, sets a missing title; it counts the new messages.
func keepSession(ctx context.Context, t tx, v study.Session, msgs []study.Message, at time.Time) error {
	const upsert = `INSERT INTO sessions (id, user_id, title, messages, created_at, updated_at, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET title = CASE WHEN sessions.title = '' THEN excluded.title ELSE sessions.title END,
		messages = sessions.messages + excluded.messages, bytes = sessions.bytes + excluded.bytes,
		updated_at = CASE WHEN sessions.updated_at < excluded.updated_at THEN excluded.updated_at ELSE sessions.updated_at END
		WHERE sessions.user_id = excluded.user_id`
	created := v.CreatedAt
	if created.IsZero() {
		created = at
	}
	bytes := 0
	for _, m := range msgs {
		bytes += len(sanitize(m.Text, MaxMessageBytes)) + len(citationsText(m))
	}
	n, err := t.exec(ctx, upsert, []any{v.ID, v.UserID, v.Title, len(msgs), micros(created), micros(at), bytes})
	if err == nil && n == 0 {
		return noSession()
	}
	return err
}

// addMessages appends messages to a session whose row this transaction has locked by changing it. A message whose id
// the session already has is skipped.
func addMessages(ctx context.Context, t tx, sessionID string, msgs []study.Message) (added int64, err error) {
	const insert = "INSERT INTO messages (session_id, id, role, content, citations, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
	var rows [][]any
	for _, m := range msgs {
		id := strings.ToLower(m.ID)
		if there, err := hasMessage(ctx, t, sessionID, id); err != nil {
			return 0, err
		} else if there {
			continue
		}
		id = cmp.Or(id, newID())
		rows = append(rows, []any{sessionID, id, m.Role, sanitize(m.Text, MaxMessageBytes), citationsText(m), micros(orNow(m.CreatedAt))})
	}
	if len(rows) == 0 {
		return 0, nil
	}
	return t.exec(ctx, insert, rows...)
}

func hasMessage(ctx context.Context, t tx, sessionID, id string) (there bool, err error) {
	if id == "" {
		return false, nil
	}
	const query = "SELECT EXISTS (SELECT 1 FROM messages WHERE session_id = $1 AND id = $2)"
	err = t.row(ctx, query, sessionID, id).Scan(&there)
	return there, err
}

// Sessions implements Store.
func (s *sqlStore) Sessions(ctx context.Context, userID string, p Page) ([]study.Session, string, error) {
	var c checks
	c.user(userID)
	from := c.before("sessions", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	const query = "SELECT " + sessionColumns + ` FROM sessions
		WHERE user_id = $1 AND (updated_at, id) < ($2, $3) ORDER BY updated_at DESC, id DESC LIMIT $4`
	return page(ctx, s, "sessions", p.Limit, scanSession, query, userID, from.at, from.id)
}

// Session implements Store.
func (s *sqlStore) Session(ctx context.Context, id string) (study.Session, error) {
	if !isUUID(id) {
		return study.Session{}, noSession()
	}
	const query = "SELECT " + sessionColumns + " FROM sessions WHERE id = $1"
	v, err := one(ctx, s, scanSession, query, strings.ToLower(id))
	return v, missing(err, noSession)
}

// DeleteSession implements Store.
func (s *sqlStore) DeleteSession(ctx context.Context, id string) error {
	if !isUUID(id) {
		return noSession()
	}
	id = strings.ToLower(id)
	return s.transact(ctx, func(ctx context.Context, t tx) error {
		if _, err := t.exec(ctx, "DELETE FROM runs WHERE session_id = $1", []any{id}); err != nil {
			return err
		}
		n, err := t.exec(ctx, "DELETE FROM sessions WHERE id = $1", []any{id})
		if err == nil && n == 0 {
			return noSession()
		}
		return err
	})
}

// Messages implements Store.
func (s *sqlStore) Messages(ctx context.Context, sessionID string, p Page) ([]study.Message, string, error) {
	var c checks
	from := c.before("messages", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	if !isUUID(sessionID) {
		return []study.Message{}, "", nil
	}
	const query = `SELECT num, id, role, content, citations, created_at FROM messages
		WHERE session_id = $1 AND num < $2 ORDER BY num DESC LIMIT $3`
	newest, next, err := page(ctx, s, "messages", p.Limit, scanMessage, query, strings.ToLower(sessionID), from.num)
	slices.Reverse(newest)
	return newest, next, err
}
