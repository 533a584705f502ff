// Package review schedules the cards of a student's decks by FSRS, the Free Spaced Repetition Scheduler. The one idea:
// the memory of a card is a value, and each rating derives the next value, by go-fsrs alone, so that the same history
// always gives the same schedule. Intervals have no random part.
package review

import (
	"time"

	fsrs "github.com/open-spaced-repetition/go-fsrs/v3"

	"studysharper/app/study"
)

// Intervals are the times until a card is due again, in seconds, by rating.
type Intervals struct {
	Again int64 `json:"again"`
	Hard  int64 `json:"hard"`
	Good  int64 `json:"good"`
	Easy  int64 `json:"easy"`
}

// Next returns the memory of a card after a rating, study.RatingAgain to study.RatingEasy.
func Next(m study.CardMemory, rating int, at time.Time, s study.ReviewSettings) study.CardMemory {
	return memoryOf(scheduler(s).Next(cardOf(m), at, fsrs.Rating(rating)).Card) //nolint:gosec // 1 to 4
}

// Preview returns the time until the card is due after each rating.
func Preview(m study.CardMemory, at time.Time, s study.ReviewSettings) Intervals {
	all := scheduler(s).Repeat(cardOf(m), at)
	after := func(r fsrs.Rating) int64 { return int64(all[r].Card.Due.Sub(at) / time.Second) }
	return Intervals{after(fsrs.Again), after(fsrs.Hard), after(fsrs.Good), after(fsrs.Easy)}
}

// scheduler is not shared: it writes to its parameters.
func scheduler(s study.ReviewSettings) *fsrs.FSRS {
	p := fsrs.DefaultParam()
	p.RequestRetention = s.DesiredRetention
	return fsrs.NewFSRS(p)
}

func cardOf(m study.CardMemory) fsrs.Card {
	c := fsrs.Card{Due: m.Due, Stability: m.Stability, Difficulty: m.Difficulty, ElapsedDays: count(m.ElapsedDays), ScheduledDays: count(m.ScheduledDays),
		Reps: count(m.Reps), Lapses: count(m.Lapses), State: fsrs.State(m.State), LastReview: m.ReviewedAt} //nolint:gosec // 0 to 3
	return c
}

func count(n int64) uint64 { return uint64(max(n, 0)) } //nolint:gosec // not negative

func memoryOf(c fsrs.Card) study.CardMemory {
	return study.CardMemory{State: study.CardState(c.State), Due: c.Due, Stability: c.Stability, Difficulty: c.Difficulty,
		ElapsedDays: int64(c.ElapsedDays), ScheduledDays: int64(c.ScheduledDays), Reps: int64(c.Reps), Lapses: int64(c.Lapses), ReviewedAt: c.LastReview} //nolint:gosec // small counts
}
