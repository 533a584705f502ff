package study

import (
	"encoding/json"
	"time"
)

// CardState is how far a card has been learnt.
type CardState int

// The states of a card, as FSRS numbers them.
const (
	CardNew CardState = iota
	CardLearning
	CardReview
	CardRelearning
)

// String is the state's name on the wire.
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

// CardMemory is what the scheduler remembers of a card.
type CardMemory struct {
	State         CardState `json:"state"`
	Due           time.Time `json:"due"` // of a new card: when it joined
	Stability     float64   `json:"stability"`
	Difficulty    float64   `json:"difficulty"`
	ElapsedDays   int64     `json:"elapsed_days"`
	ScheduledDays int64     `json:"scheduled_days"`
	Reps          int64     `json:"reps"`
	Lapses        int64     `json:"lapses"`
	ReviewedAt    time.Time `json:"reviewed_at,omitzero"` // zero: never
}

// Card is a flashcard of a deck as it is reviewed.
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
	ID       string // UUID, unique for the user: the same one again is the same review
	UserID   string
	CardID   string
	Rating   int       // RatingAgain to RatingEasy
	At       time.Time // zero: now
	Duration time.Duration
}

// DoneReview is a review as it is kept.
type DoneReview struct {
	ID         string    `json:"review_id"`
	UserID     string    `json:"user_id"`
	CardID     string    `json:"card_id"`
	Rating     int       `json:"rating"`
	State      CardState `json:"state"` // the card's, before it
	At         time.Time `json:"reviewed_at"`
	DurationMS int64     `json:"duration_ms"`
}

// ReviewSettings are how a student reviews.
type ReviewSettings struct {
	UserID           string    `json:"user_id"`
	DesiredRetention float64   `json:"desired_retention"`  // .7 to .99: the share of due cards to be known
	NewPerDay        int       `json:"new_per_day"`        // 0 to 999
	UTCOffsetMinutes int       `json:"utc_offset_minutes"` // -840 to 840: when the student's day begins
	UpdatedAt        time.Time `json:"updated_at,omitzero"`
}

// DefaultReviewSettings are those of a student who has set none.
func DefaultReviewSettings(userID string) ReviewSettings {
	return ReviewSettings{UserID: userID, DesiredRetention: .9, NewPerDay: 20}
}

// Day is the student's day that a moment is in, counted from 1970.
func (s ReviewSettings) Day(at time.Time) int64 {
	day := at.Unix() + int64(s.UTCOffsetMinutes)*60
	if day < 0 {
		day -= 86399
	}
	return day / 86400
}

// DayStart is when one of the student's days begins.
func (s ReviewSettings) DayStart(day int64) time.Time {
	return time.Unix(day*86400-int64(s.UTCOffsetMinutes)*60, 0).UTC()
}

// DueCounts are how many cards a student has to review now; each stops at store.MaxDueCounted.
type DueCounts struct {
	New      int `json:"new"`      // that may still be begun today
	Learning int `json:"learning"` // learning or relearning, and due
	Review   int `json:"review"`   // due, those that are overdue included
	Overdue  int `json:"overdue"`  // due before today
}

// DeckStats are a deck's figures.
type DeckStats struct {
	DeckID    string `json:"deck_id"`
	Title     string `json:"title"`
	Subject   string `json:"subject"`
	Cards     int    `json:"cards"`
	New       int    `json:"new"`
	Learning  int    `json:"learning"`
	Review    int    `json:"review"`
	Due       int    `json:"due"` // now, new cards not counted
	Suspended int    `json:"suspended"`
}
