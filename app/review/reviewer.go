package review

import (
	"context"
	"encoding/json"
	"time"

	"studysharper/app/store"
	"studysharper/app/study"
)

// Limits of requests and responses.
const (
	MaxQueue    = 200 // cards per response
	MaxAhead    = 5 * time.Minute
	MaxDuration = time.Hour // of a review; longer ones are recorded as this
	MaxStatDays = 366
)

// Reviewer reviews cards that a store stores.
type Reviewer struct{ Store store.Reviews }

// QueueQuery selects the cards to review.
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
	Source    json.RawMessage `json:"source"` // null = unknown
	State     string          `json:"state"`
	Due       time.Time       `json:"due"`
	Intervals Intervals       `json:"intervals"` // seconds
}

// Queue is the list of a student's cards to review now.
type Queue struct {
	Counts study.DueCounts `json:"counts"`
	Cards  []QueuedCard    `json:"cards"`
}

// Queue lists the cards to review at a time: cards being learnt, then due cards, then new cards. The number of new
// cards per day, including those begun today, is at most NewPerDay.
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

// Suspended lists the cards that are out of the queue until the student resumes them.
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
	_ = json.Unmarshal(c.Data, &shown) // written by this program
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

// Grade saves a review and returns the card's next state. Saving the same review twice has no further effect.
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

// Undo undoes a card's latest review.
func (r Reviewer) Undo(ctx context.Context, userID, cardID, reviewID string) (CardStatus, error) {
	return statusOf(r.Store.UndoReview(ctx, userID, cardID, reviewID))
}

// Suspend removes a card from the queue, or puts it back.
func (r Reviewer) Suspend(ctx context.Context, userID, cardID string, suspended bool) (CardStatus, error) {
	return statusOf(r.Store.SuspendCard(ctx, userID, cardID, suspended))
}

// Reset makes a card new again.
func (r Reviewer) Reset(ctx context.Context, userID, cardID string) (CardStatus, error) {
	return statusOf(r.Store.ResetCard(ctx, userID, cardID))
}
