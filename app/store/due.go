package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"studysharper/app/study"
)

// DueQuery selects the cards to review.
type DueQuery struct {
	UserID    string    // required
	Deck      string    // id; "" = all
	Subject   string    // only decks with exactly this subject; "" = all
	Limit     int       // clamped to 1..MaxRows
	At        time.Time // cards due by this time
	DayStart  time.Time // the start of the student's day
	NewPerDay int       // new cards per day; those begun since DayStart count
}

// DueCards are the cards to review: cards being learnt, then due cards, then new ones, each in the order in which they
// became due.
type DueCards struct {
	Counts study.DueCounts
	Cards  []study.Card
}

// dueFilter restricts the cards to the query's decks; condition is appended to a WHERE clause.
func dueFilter(q DueQuery) (condition string, args []any) {
	args = []any{q.UserID}
	if q.Deck != "" {
		return " AND content_id = $2", append(args, q.Deck)
	}
	if q.Subject != "" {
		return " AND content_id IN (SELECT id FROM contents WHERE user_id = $1 AND subject = $2)", append(args, q.Subject)
	}
	return " AND $2 = ''", append(args, "")
}

// DueCards implements Store.
func (s *sqlStore) DueCards(ctx context.Context, q DueQuery) (DueCards, error) {
	var c checks
	c.user(q.UserID)
	c.text("subject", q.Subject)
	if q.Deck != "" {
		c.uuid("deck", q.Deck)
	}
	if err := c.err(); err != nil {
		return DueCards{}, err
	}
	due := DueCards{Cards: []study.Card{}}
	var err error
	if due.Counts, err = s.countDue(ctx, q); err != nil {
		return DueCards{}, err
	}
	filter, args := dueFilter(q)
	const columns = "SELECT " + cardColumns + " FROM cards WHERE user_id = $1 AND NOT suspended"
	for _, part := range []struct {
		count     int
		condition string
	}{
		{due.Counts.Learning, " AND state IN (1, 3) AND due <= $3"},
		{due.Counts.Review, " AND state = 2 AND due <= $3"},
		{due.Counts.New, " AND state = 0 AND CAST($3 AS bigint) > 0"},
	} {
		n := min(part.count, clampLimit(q.Limit)-len(due.Cards))
		if n <= 0 {
			continue
		}
		cards, err := list(ctx, s, scanCard, columns+filter+part.condition+" ORDER BY due LIMIT $4", append(args, micros(q.At), n)...)
		if err != nil {
			return DueCards{}, err
		}
		due.Cards = append(due.Cards, cards...)
	}
	return due, nil
}

// MaxDueCounted is the highest count of due cards: counting reads an index entry per card, and beyond this number a
// student only needs to know that there are many.
const MaxDueCounted = 10_000

// SuspendedCards implements Store.
func (s *sqlStore) SuspendedCards(ctx context.Context, userID, deck string, limit int) ([]study.Card, error) {
	var c checks
	c.user(userID)
	if deck != "" {
		c.uuid("deck", deck)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	filter, args := dueFilter(DueQuery{UserID: userID, Deck: deck})
	return list(ctx, s, scanCard, "SELECT "+cardColumns+" FROM cards WHERE user_id = $1 AND suspended"+filter+" ORDER BY id DESC LIMIT $3", append(args, clampLimit(limit))...)
}

// countDue counts the cards to review, by state.
func (s *sqlStore) countDue(ctx context.Context, q DueQuery) (n study.DueCounts, err error) {
	begun, err := one(ctx, s, func(row scanner, n *int) (mark, error) { return mark{}, row.Scan(n) },
		"SELECT count(*) FROM reviews WHERE user_id = $1 AND reviewed_at >= $2 AND state = 0", q.UserID, micros(q.DayStart))
	if err != nil {
		return n, err
	}
	dayStart := q.DayStart
	if dayStart.After(q.At) {
		dayStart = q.At
	}
	filter, args := dueFilter(q)
	// The two ranges of state 2 have no card in common: after a long break, each pass over them is one over all cards.
	query := "SELECT "
	for i, c := range []string{"state IN (1, 3) AND due <= $3 LIMIT $6", "state = 2 AND due >= $4 AND due <= $3 LIMIT $6", "state = 2 AND due < $4 LIMIT $6", "state = 0 LIMIT $5"} {
		query += fmt.Sprintf("%s(SELECT count(*) FROM (SELECT 1 FROM cards WHERE user_id = $1 AND NOT suspended%s AND %s) AS part%d)", strings.Repeat(", ", min(i, 1)), filter, c, i)
	}
	return one(ctx, s, func(row scanner, n *study.DueCounts) (mark, error) {
		var today int
		err := row.Scan(&n.Learning, &today, &n.Overdue, &n.New)
		n.Review = min(n.Overdue+today, MaxDueCounted)
		return mark{}, err
	}, query, append(args, micros(q.At), micros(dayStart), max(0, q.NewPerDay-begun), MaxDueCounted)...)
}

// ReviewCounts are counts by day; study.ReviewSettings.Day numbers the days.
type ReviewCounts struct {
	Due        map[int64]int // overdue cards count as today's
	Reviewed   map[int64]int
	Known      int     // reviews of cards in state review, in these days
	Forgotten  int     // of these, reviews rated "again"
	ActiveDays []int64 // days with a review, newest first, at most ten years back
}

const maxActiveDays = 3660

// ReviewCounts implements Store.
func (s *sqlStore) ReviewCounts(ctx context.Context, userID string, v study.ReviewSettings, today int64, days int) (ReviewCounts, error) {
	var c checks
	if c.user(userID); c.err() != nil {
		return ReviewCounts{}, c.err()
	}
	counts := ReviewCounts{Due: map[int64]int{}, Reviewed: map[int64]int{}}
	offset := int64(v.UTCOffsetMinutes) * 60
	const due = `SELECT (due / 1000000 + $2) / 86400, count(*) FROM cards WHERE user_id = $1 AND NOT suspended AND state IN (1, 2, 3) AND due < $3 GROUP BY 1`
	err := s.selectRows(ctx, func(row scanner) (bool, error) {
		var day int64
		var n int
		err := row.Scan(&day, &n)
		counts.Due[max(day, today)] += n
		return true, err
	}, due, userID, offset, micros(v.DayStart(today+int64(days))))
	if err != nil {
		return ReviewCounts{}, err
	}
	const done = `SELECT (reviewed_at / 1000000 + $2) / 86400, count(*), count(*) FILTER (WHERE state = 2 AND rating > 1),
		count(*) FILTER (WHERE state = 2 AND rating = 1) FROM reviews WHERE user_id = $1 AND reviewed_at >= $3 GROUP BY 1`
	err = s.selectRows(ctx, func(row scanner) (bool, error) {
		var day int64
		var n, known, forgotten int
		err := row.Scan(&day, &n, &known, &forgotten)
		counts.Reviewed[day], counts.Known, counts.Forgotten = n, counts.Known+known, counts.Forgotten+forgotten
		return true, err
	}, done, userID, offset, micros(v.DayStart(today-int64(days)+1)))
	if err != nil {
		return ReviewCounts{}, err
	}
	const active = `SELECT DISTINCT (reviewed_at / 1000000 + $2) / 86400 AS day FROM reviews WHERE user_id = $1 ORDER BY day DESC LIMIT $3`
	err = s.selectRows(ctx, func(row scanner) (bool, error) {
		var day int64
		err := row.Scan(&day)
		counts.ActiveDays = append(counts.ActiveDays, day)
		return true, err
	}, active, userID, offset, maxActiveDays)
	return counts, err
}

// DeckStats implements Store.
func (s *sqlStore) DeckStats(ctx context.Context, userID string, at time.Time) ([]study.DeckStats, error) {
	var c checks
	if c.user(userID); c.err() != nil {
		return nil, c.err()
	}
	const query = `SELECT c.id, c.title, c.subject, count(*), count(*) FILTER (WHERE k.state = 0), count(*) FILTER (WHERE k.state IN (1, 3)),
		count(*) FILTER (WHERE k.state = 2), count(*) FILTER (WHERE k.state > 0 AND k.due <= $2 AND NOT k.suspended), count(*) FILTER (WHERE k.suspended)
		FROM cards k JOIN contents c ON c.id = k.content_id WHERE k.user_id = $1 GROUP BY c.id, c.title, c.subject ORDER BY c.id DESC LIMIT $3`
	return list(ctx, s, func(row scanner, v *study.DeckStats) (mark, error) {
		err := row.Scan(&v.DeckID, &v.Title, &v.Subject, &v.Cards, &v.New, &v.Learning, &v.Review, &v.Due, &v.Suspended)
		return mark{bytes: jsonBytes(v.Title) + jsonBytes(v.Subject)}, err
	}, query, userID, micros(at), MaxRows)
}
