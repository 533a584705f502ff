package review

import (
	"context"
	"time"

	"studysharper/app/study"
)

// DayCount is the number of cards or reviews on one of the student's days.
type DayCount struct {
	Date  string `json:"date"` // 2006-01-02, in the student's time zone
	Count int    `json:"count"`
}

// Stats are a student's review statistics.
type Stats struct {
	Days      int               `json:"days"`            // number of days before and after today that are counted
	DueByDay  []DayCount        `json:"due_by_day"`      // from today; overdue cards count as due today
	Reviewed  []DayCount        `json:"reviewed_by_day"` // up to today
	Reviews   int               `json:"reviews"`         // on these days
	Retention *float64          `json:"retention"`       // share of known cards among reviews of cards in state review; nil: there were none
	Streak    int               `json:"streak_days"`     // consecutive days with a review, up to today or yesterday
	ByDeck    []study.DeckStats `json:"by_deck"`
}

// Stats returns the statistics of the days before and after a time.
func (r Reviewer) Stats(ctx context.Context, userID string, days int, at time.Time) (Stats, error) {
	s, err := r.Store.ReviewSettings(ctx, userID)
	if err != nil {
		return Stats{}, err
	}
	today := s.Day(at)
	day := func(n int64) string { return time.Unix(n*86400, 0).UTC().Format(time.DateOnly) }
	stats := Stats{Days: days, DueByDay: make([]DayCount, days), Reviewed: make([]DayCount, days)}
	counts, err := r.Store.ReviewCounts(ctx, userID, s, today, days)
	if err != nil {
		return Stats{}, err
	}
	for i := range days {
		stats.DueByDay[i] = DayCount{day(today + int64(i)), counts.Due[today+int64(i)]}
		past := today - int64(days-1-i)
		stats.Reviewed[i] = DayCount{day(past), counts.Reviewed[past]}
		stats.Reviews += counts.Reviewed[past]
	}
	if counts.Known+counts.Forgotten > 0 {
		share := float64(counts.Known) / float64(counts.Known+counts.Forgotten)
		stats.Retention = &share
	}
	stats.Streak = streak(counts.ActiveDays, today)
	stats.ByDeck, err = r.Store.DeckStats(ctx, userID, at)
	return stats, err
}

// streak counts the consecutive days up to today or yesterday. days are in descending order.
func streak(days []int64, today int64) (n int) {
	if len(days) == 0 || days[0] < today-1 {
		return 0
	}
	for i, day := range days {
		if day != days[0]-int64(i) {
			break
		}
		n++
	}
	return n
}

// Settings returns a student's review settings.
func (r Reviewer) Settings(ctx context.Context, userID string) (study.ReviewSettings, error) {
	return r.Store.ReviewSettings(ctx, userID)
}
