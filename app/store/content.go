package store

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"studysharper/app/study"
)

func scanContent(row scanner, v *study.Content) (mark, error) {
	var created int64
	err := row.Scan(&v.ID, &v.UserID, &v.SessionID, &v.Type, &v.Title, &v.Data, &created)
	v.CreatedAt = fromMicros(created)
	return mark{place{id: v.ID}, jsonBytes(v.Title) + jsonBytes(v.Data)}, err
}

func (c *checks) contentType(t study.Type) {
	_, kept := study.ContentTypes()[t]
	c.add(!kept, "type", "a type whose answers are kept")
}

// SaveContent implements Store.
func (s *sqlStore) SaveContent(ctx context.Context, v study.Content) (study.Content, error) {
	var c checks
	c.user(v.UserID)
	c.contentType(v.Type)
	c.title(v.Title)
	if v.SessionID != "" {
		c.uuid("session_id", v.SessionID)
	}
	c.add(len(v.Answer) > MaxAnswerKey, "answer", "at most 128 bytes")
	c.text("answer", v.Answer)
	c.add(len(v.Data) > MaxDataBytes, "data", "at most 1 MiB")
	c.add(!utf8.Valid(v.Data) || !json.Valid(v.Data), "data", "must be JSON")
	if err := c.err(); err != nil {
		return study.Content{}, err
	}
	v.ID, v.SessionID, v.CreatedAt = newID(), strings.ToLower(v.SessionID), now()
	var kept study.Content
	err := s.engine.change(ctx, func(ctx context.Context, t tx) (err error) {
		if kept, err = keepContent(ctx, t, v); err != nil || kept.ID != v.ID {
			return err
		}
		return s.checkQuota(ctx, t, v.UserID)
	})
	if err != nil {
		return study.Content{}, err
	}
	return kept, nil
}

// keepContent keeps a content, or gives the one that is kept of the same answer.
func keepContent(ctx context.Context, t tx, v study.Content) (study.Content, error) {
	const insert = `INSERT INTO contents (id, user_id, session_id, type, title, data, created_at, answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (user_id, answer) WHERE answer <> '' DO NOTHING`
	n, err := t.exec(ctx, insert, []any{v.ID, v.UserID, v.SessionID, v.Type, v.Title, v.Data, micros(v.CreatedAt), v.Answer})
	if err != nil || n > 0 {
		return v, err
	}
	const query = `SELECT id, user_id, session_id, type, title, data, created_at FROM contents WHERE user_id = $1 AND answer = $2`
	kept := study.Content{Answer: v.Answer}
	_, err = scanContent(t.row(ctx, query, v.UserID, v.Answer), &kept)
	return kept, err
}

// Contents implements Store.
func (s *sqlStore) Contents(ctx context.Context, userID string, t study.Type, p Page) ([]study.Content, string, error) {
	var c checks
	c.user(userID)
	c.contentType(t)
	from := c.before("contents", p.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	const query = `SELECT id, user_id, session_id, type, title, data, created_at FROM contents
		WHERE user_id = $1 AND type = $2 AND id < $3 ORDER BY id DESC LIMIT $4`
	return page(ctx, s, "contents", p.Limit, scanContent, query, userID, t, from.id)
}

// ContentStats implements Store.
func (s *sqlStore) ContentStats(ctx context.Context, userID string) (map[study.Type]int, error) {
	var c checks
	if c.user(userID); c.err() != nil {
		return nil, c.err()
	}
	type count struct {
		t study.Type
		n int
	}
	scan := func(row scanner, v *count) (mark, error) { return mark{}, row.Scan(&v.t, &v.n) }
	counts, err := list(ctx, s, scan, "SELECT type, count(*) FROM contents WHERE user_id = $1 GROUP BY type", userID)
	if err != nil {
		return nil, err
	}
	stats := map[study.Type]int{}
	for t := range study.ContentTypes() {
		stats[t] = 0
	}
	for _, v := range counts {
		stats[v.t] = v.n
	}
	return stats, nil
}

// SaveFeedback implements Store.
func (s *sqlStore) SaveFeedback(ctx context.Context, f study.Feedback) error {
	t, err := checkFeedback(f)
	if err != nil {
		return err
	}
	issues, err := json.Marshal(append([]string{}, f.Issues...))
	if err != nil {
		return study.Wrap(err, study.CodeInternal, "the rating cannot be written")
	}
	const upsert = `INSERT INTO feedback (content_id, rating, text, issues, created_at)
		SELECT id, $1, $2, $3, $4 FROM contents WHERE id = $5 AND user_id = $6 AND type = $7
		ON CONFLICT (content_id) DO UPDATE SET rating = excluded.rating, text = excluded.text,
		issues = excluded.issues, created_at = excluded.created_at`
	n, err := s.exec(ctx, upsert, f.Rating, f.Text, string(issues), micros(now()),
		strings.ToLower(f.ContentID), f.UserID, t)
	if err == nil && n == 0 {
		return study.Errorf(study.CodeNotFound, "the content does not exist")
	}
	return err
}

func checkFeedback(f study.Feedback) (study.Type, error) {
	var c checks
	c.user(f.UserID)
	c.uuid("content_id", f.ContentID)
	c.add(f.Rating < 1 || f.Rating > 5, "rating", "1 to 5")
	c.add(utf8.RuneCountInString(f.Text) > MaxRatingRunes, "feedback_text", "at most 4000 characters")
	c.text("feedback_text", f.Text)
	c.add(len(f.Issues) > MaxRatingIssues, "issues", "at most 20")
	for _, issue := range f.Issues {
		c.add(utf8.RuneCountInString(issue) > MaxTitleRunes, "issues", "at most 200 characters each")
		c.text("issues", issue)
	}
	for t, name := range study.ContentTypes() {
		if name == f.ContentType {
			return t, c.err()
		}
	}
	c.add(true, "content_type", "flashcards, quizzes, exams or summaries")
	return "", c.err()
}
