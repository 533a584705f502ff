package study

import (
	"encoding/json"
	"time"
)

// CardState is the learning state of a card.
type CardState int

// The states of a card, as FSRS numbers them.
const (
	CardNew CardState = iota
	CardLearning
	CardReview
	CardRelearning
)

// String returns the state's name on the wire.
func (s CardState) String() string {
	return [...]string{"new", "learning", "review", "relearning"}[s&3]
}

// The ratings of a review.
const (
	RatingAgain = 1 + iota
	RatingHard
	RatingGood
	RatingEasy
)

// CardMemory is what the scheduler stores about a card.
type CardMemory struct {
	State         CardState `json:"state"`
	Due           time.Time `json:"due"` // for a new card: when it was added
	Stability     float64   `json:"stability"`
	Difficulty    float64   `json:"difficulty"`
	ElapsedDays   int64     `json:"elapsed_days"`
	ScheduledDays int64     `json:"scheduled_days"`
	Reps          int64     `json:"reps"`
	Lapses        int64     `json:"lapses"`
	ReviewedAt    time.Time `json:"reviewed_at,omitzero"` // zero: never
}

// Card is a flashcard of a deck, with its review state.
type Card struct {
	ID        string
	UserID    string
	DeckID    string
	ItemID    string
	Data      json.RawMessage // the Flashcard
	Suspended bool
	Memory    CardMemory
}

// Review is a student's rating of a card.
type Review struct {
	ID       string // UUID, unique per user: equal ids are the same review
	UserID   string
	CardID   string
	Rating   int       // RatingAgain to RatingEasy
	At       time.Time // zero: now
	Duration time.Duration
}

// DoneReview is a stored review.
type DoneReview struct {
	ID         string    `json:"review_id"`
	UserID     string    `json:"user_id"`
	CardID     string    `json:"card_id"`
	Rating     int       `json:"rating"`
	State      CardState `json:"state"` // of the card, before the review
	At         time.Time `json:"reviewed_at"`
	DurationMS int64     `json:"duration_ms"`
}

// ReviewSettings are a student's review settings.
type ReviewSettings struct {
	UserID           string    `json:"user_id"`
	DesiredRetention float64   `json:"desired_retention"`  // .7 to .99: the target share of due cards that the student knows
	NewPerDay        int       `json:"new_per_day"`        // 0 to 999
	UTCOffsetMinutes int       `json:"utc_offset_minutes"` // -840 to 840: determines when the student's day begins
	UpdatedAt        time.Time `json:"updated_at,omitzero"`
}

// DefaultReviewSettings returns the settings of a student who has set none.
func DefaultReviewSettings(userID string) ReviewSettings {
	return ReviewSettings{UserID: userID, DesiredRetention: .9, NewPerDay: 20}
}

// Day returns the student's day that contains a time, counted from 1970.
func (s ReviewSettings) Day(at time.Time) int64 {
	day := at.Unix() + int64(s.UTCOffsetMinutes)*60
	if day < 0 {
		day -= 86399
	}
	return day / 86400
}

// DayStart returns the time when one of the student's days begins.
func (s ReviewSettings) DayStart(day int64) time.Time {
	return time.Unix(day*86400-int64(s.UTCOffsetMinutes)*60, 0).UTC()
}

// DueCounts are the numbers of cards that a student has to review now; each is counted up to store.MaxDueCounted.
type DueCounts struct {
	New      int `json:"new"`      // that may still be started today
	Learning int `json:"learning"` // learning or relearning, and due
	Review   int `json:"review"`   // due, including overdue cards
	Overdue  int `json:"overdue"`  // due before today
}

// DeckStats are the statistics of a deck.
type DeckStats struct {
	DeckID    string `json:"deck_id"`
	Title     string `json:"title"`
	Subject   string `json:"subject"`
	Cards     int    `json:"cards"`
	New       int    `json:"new"`
	Learning  int    `json:"learning"`
	Review    int    `json:"review"`
	Due       int    `json:"due"` // now, without new cards
	Suspended int    `json:"suspended"`
}
