package review

import (
	"context"
	"encoding/json"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

// Bounds of what clients send and get.
const (
	MaxQueue    = 200 // cards of one answer
	MaxAhead    = 5 * time.Minute
	MaxDuration = time.Hour // of a review; longer ones count as this
	MaxStatDays = 366
)

// Reviewer reviews cards that a store keeps.
type Reviewer struct{ Store store.Reviews }

// QueueQuery says which cards to review.
type QueueQuery struct {
	UserID  string
	Deck    string // id; "" = all
	Subject string // of the deck; "" = all
	Limit   int
}

// QueuedCard is a card to review now.
type QueuedCard struct {
	CardID    string          `json:"card_id"`
	DeckID    string          `json:"deck_id"`
	ItemID    string          `json:"item_id"`
	Question  string          `json:"question"`
	Answer    string          `json:"answer"`
	Topic     string          `json:"topic"`
	Source    json.RawMessage `json:"source"` // null: none is known
	State     string          `json:"state"`
	Due       time.Time       `json:"due"`
	Intervals Intervals       `json:"intervals"` // seconds
}

// Queue is what a student has to review now.
type Queue struct {
	Counts study.DueCounts `json:"counts"`
	Cards  []QueuedCard    `json:"cards"`
}

// Queue lists the cards to review at a moment: those being learnt, those due, then new ones, of
// which there are at most NewPerDay a day less those begun today.
func (r Reviewer) Queue(ctx context.Context, q QueueQuery, at time.Time) (Queue, error) {
	settings, err := r.Store.ReviewSettings(ctx, q.UserID)
	if err != nil {
		return Queue{}, err
	}
	due, err := r.Store.DueCards(ctx, store.DueQuery{UserID: q.UserID, Deck: q.Deck, Subject: q.Subject, Limit: min(max(q.Limit, 1), MaxQueue),
		At: at, DayStart: settings.DayStart(settings.Day(at)), NewPerDay: settings.NewPerDay})
	if err != nil {
		return Queue{}, err
	}
	list := Queue{Counts: due.Counts, Cards: make([]QueuedCard, len(due.Cards))}
	for i, c := range due.Cards {
		list.Cards[i] = queued(c, at, settings)
	}
	return list, nil
}

// Suspended lists the cards that are out of the queue until they are put back.
func (r Reviewer) Suspended(ctx context.Context, q QueueQuery, at time.Time) ([]QueuedCard, error) {
	settings, err := r.Store.ReviewSettings(ctx, q.UserID)
	if err != nil {
		return nil, err
	}
	cards, err := r.Store.SuspendedCards(ctx, q.UserID, q.Deck, min(max(q.Limit, 1), MaxQueue))
	if err != nil {
		return nil, err
	}
	list := make([]QueuedCard, len(cards))
	for i, c := range cards {
		list[i] = queued(c, at, settings)
	}
	return list, nil
}

func queued(c study.Card, at time.Time, s study.ReviewSettings) QueuedCard {
	var shown struct {
		Question string          `json:"question"`
		Answer   string          `json:"answer"`
		Topic    string          `json:"topic"`
		Source   json.RawMessage `json:"source"`
	}
	_ = json.Unmarshal(c.Data, &shown) // written by ourselves
	return QueuedCard{CardID: c.ID, DeckID: c.DeckID, ItemID: c.ItemID, Question: shown.Question, Answer: shown.Answer, Topic: shown.Topic, Source: shown.Source,
		State: c.Memory.State.String(), Due: c.Memory.Due, Intervals: Preview(c.Memory, at, s)}
}

// CardStatus is a card's next state, after a review or another change.
type CardStatus struct {
	CardID        string    `json:"card_id"`
	DeckID        string    `json:"deck_id"`
	State         string    `json:"state"`
	Due           time.Time `json:"due"`
	ScheduledDays int64     `json:"scheduled_days"`
	Stability     float64   `json:"stability"`
	Difficulty    float64   `json:"difficulty"`
	Reps          int64     `json:"reps"`
	Lapses        int64     `json:"lapses"`
	Suspended     bool      `json:"suspended"`
}

func statusOf(c study.Card, err error) (CardStatus, error) {
	if err != nil {
		return CardStatus{}, err
	}
	m := c.Memory
	return CardStatus{CardID: c.ID, DeckID: c.DeckID, State: m.State.String(), Due: m.Due, ScheduledDays: m.ScheduledDays, Stability: m.Stability,
		Difficulty: m.Difficulty, Reps: m.Reps, Lapses: m.Lapses, Suspended: c.Suspended}, nil
}

// Grade keeps a review and gives the card's next state; the same review again gives the same.
func (r Reviewer) Grade(ctx context.Context, v study.Review, now time.Time) (CardStatus, error) {
	var faults []study.Fault
	if v.Rating < study.RatingAgain || v.Rating > study.RatingEasy {
		faults = append(faults, study.Fault{Field: "rating", Detail: "must be 1 (again), 2 (hard), 3 (good) or 4 (easy)"})
	}
	if _, ok := study.CanonicalID(v.ID); !ok {
		faults = append(faults, study.Fault{Field: "review_id", Detail: "must be a UUID"})
	}
	if v.At.After(now.Add(MaxAhead)) {
		faults = append(faults, study.Fault{Field: "reviewed_at", Detail: "must not be in the future"})
	}
	if v.Duration < 0 {
		faults = append(faults, study.Fault{Field: "duration_ms", Detail: "must not be negative"})
	}
	if err := study.Invalid(faults); err != nil {
		return CardStatus{}, err
	}
	if v.At.IsZero() {
		v.At = now
	}
	v.At, v.Duration = v.At.UTC().Truncate(time.Microsecond), min(v.Duration, MaxDuration)
	return statusOf(r.Store.ReviewCard(ctx, v, Next))
}

// Undo takes a card's latest review back.
func (r Reviewer) Undo(ctx context.Context, userID, cardID, reviewID string) (CardStatus, error) {
	return statusOf(r.Store.UndoReview(ctx, userID, cardID, reviewID))
}

// Suspend takes a card out of the queue, or puts it back.
func (r Reviewer) Suspend(ctx context.Context, userID, cardID string, suspended bool) (CardStatus, error) {
	return statusOf(r.Store.SuspendCard(ctx, userID, cardID, suspended))
}

// Reset makes a card new.
func (r Reviewer) Reset(ctx context.Context, userID, cardID string) (CardStatus, error) {
	return statusOf(r.Store.ResetCard(ctx, userID, cardID))
}
