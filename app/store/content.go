package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"studysharper/app/study"
)

// ContentQuery says which of a user's aids to list.
type ContentQuery struct {
	UserID  string     // required
	Type    study.Type // "" = all
	Subject string     // only aids with exactly this subject; "" = all
	// Search holds words or prefixes of words. Each must occur in the title, the subject or the first 32 KiB of the
	// items' text. They are parsed like NoteQuery.Search; the first 8 count.
	Search string
	Brief  bool // leave Data empty
	Page
}

const contentColumns = "id, user_id, session_id, type, title, subject, notes, model, items, data, created_at, updated_at"

// briefColumns are contentColumns with an empty data column.
var briefColumns = strings.Replace(contentColumns, "data", "''", 1)

func scanContent(row scanner, v *study.Content) (mark, error) {
	var created, updated int64
	var notes string
	err := row.Scan(&v.ID, &v.UserID, &v.SessionID, &v.Type, &v.Title, &v.Subject, &notes, &v.Model, &v.Items, &v.Data, &created, &updated)
	v.CreatedAt, v.UpdatedAt, v.Notes = fromMicros(created), fromMicros(updated), readTexts(notes)
	return mark{place{id: v.ID}, jsonBytes(v.Title) + jsonBytes(v.Subject) + len(notes) + jsonBytes(v.Data)}, err
}

func noContent() error { return study.Errorf(study.CodeNotFound, "the content does not exist") }

func (c *checks) contentType(t study.Type) {
	_, kept := study.ContentTypes()[t]
	c.add(!kept, "type", "a type whose answers are kept")
}

// aid checks the fields of an aid that a client may change.
func (c *checks) aid(v study.Content) {
	c.title(v.Title)
	c.subject(v.Subject)
	c.add(len(v.Data) > MaxDataBytes, "data", "at most 1 MiB")
	c.add(!utf8.Valid(v.Data) || !json.Valid(v.Data), "data", "must be JSON")
}

// SaveContent implements Store.
func (s *sqlStore) SaveContent(ctx context.Context, v study.Content) (study.Content, error) {
	var c checks
	c.user(v.UserID)
	c.contentType(v.Type)
	if v.SessionID != "" {
		c.uuid("session_id", v.SessionID)
	}
	c.add(len(v.Answer) > MaxAnswerKey, "answer", "at most 128 bytes")
	c.text("answer", v.Answer)
	c.add(len(v.Notes) > MaxRows, "source_notes", "at most 200")
	for _, id := range v.Notes {
		c.uuid("source_notes", id)
	}
	v.Model = sanitize(v.Model, maxModelBytes)
	if c.aid(v); c.err() != nil {
		return study.Content{}, c.err()
	}
	v.ID, v.SessionID, v.CreatedAt = newID(), strings.ToLower(v.SessionID), now()
	v.UpdatedAt, v.Notes = v.CreatedAt, append([]string{}, v.Notes...)
	var kept study.Content
	err := s.transact(ctx, func(ctx context.Context, t tx) (err error) {
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

const maxModelBytes = 200

// keepContent stores a content, or returns the stored one with the same answer.
func keepContent(ctx context.Context, t tx, v study.Content) (study.Content, error) {
	if v.Subject == "" && len(v.Notes) > 0 {
		const query = "SELECT subject FROM notes WHERE id = $1 AND user_id = $2"
		err := t.row(ctx, query, strings.ToLower(v.Notes[0]), v.UserID).Scan(&v.Subject)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return v, err
		}
	}
	in := indexContent(&v)
	const insert = `INSERT INTO contents (id, user_id, session_id, type, title, subject, notes, model, items, data, words, created_at, updated_at, answer)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (user_id, answer) WHERE answer <> '' DO NOTHING`
	n, err := t.exec(ctx, insert, []any{v.ID, v.UserID, v.SessionID, v.Type, v.Title, v.Subject, writeTexts(v.Notes), v.Model, v.Items,
		v.Data, in.words, micros(v.CreatedAt), micros(v.UpdatedAt), v.Answer})
	if err != nil {
		return v, err
	}
	if n > 0 {
		return v, changeCards(ctx, t, v, nil, in.cards)
	}
	const query = "SELECT " + contentColumns + " FROM contents WHERE user_id = $1 AND answer = $2"
	kept := study.Content{Answer: v.Answer}
	_, err = scanContent(t.row(ctx, query, v.UserID, v.Answer), &kept)
	return kept, err
}

// Content implements Store.
func (s *sqlStore) Content(ctx context.Context, userID string, t study.Type, id string) (study.Content, error) {
	if !isUUID(id) || !storable(userID) {
		return study.Content{}, noContent()
	}
	const query = "SELECT " + contentColumns + " FROM contents WHERE id = $1 AND type = $2 AND $3 IN ('', user_id)"
	v, err := one(ctx, s, scanContent, query, strings.ToLower(id), t, userID)
	return v, missing(err, noContent)
}

// Contents implements Store.
func (s *sqlStore) Contents(ctx context.Context, q ContentQuery) ([]study.Content, string, error) {
	var c checks
	c.user(q.UserID)
	if q.Type != "" {
		c.contentType(q.Type)
	}
	c.text("subject", q.Subject)
	from := c.before("contents", q.Before)
	if err := c.err(); err != nil {
		return nil, "", err
	}
	columns := contentColumns
	if q.Brief {
		columns = briefColumns
	}
	query, args := "SELECT "+columns+" FROM contents WHERE user_id = $1 AND id < $2", []any{q.UserID, from.id}
	and := func(condition string, v any) {
		args = append(args, v)
		query += " AND " + condition + " $" + strconv.Itoa(len(args))
	}
	if q.Type != "" {
		and("type =", q.Type)
	}
	if q.Subject != "" {
		and("subject =", q.Subject)
	}
	words := contentWords(q.Search)
	for _, w := range words {
		and("words LIKE", w)
	}
	if strings.TrimSpace(q.Search) != "" && len(words) == 0 {
		return []study.Content{}, "", nil
	}
	query += " ORDER BY id DESC LIMIT $" + strconv.Itoa(len(args)+1)
	return page(ctx, s, "contents", q.Limit, scanContent, query, args...)
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
		return noContent()
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
	t, listed := study.ContentType(f.ContentType)
	c.add(!listed, "content_type", "flashcards, quizzes, exams, summaries, analyses or plans")
	return t, c.err()
}
