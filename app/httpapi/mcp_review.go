package httpapi

import (
	"context"
	"encoding/json"
	"time"

	"studysharper/app/review"
	"studysharper/app/study"
)

var dueSchema = json.RawMessage(`{"type":"object","properties":{
	"deck":{"type":"string","description":"Only this deck: its id."},
	"limit":{"type":"integer","minimum":1,"maximum":50,"default":10}},"additionalProperties":false}`)

// The limits of list_due_cards.
const (
	mcpCards     = 10
	mcpMostCards = 50
)

func (s *Server) dueCards(ctx context.Context, user string, arguments json.RawMessage) (any, error) {
	var asked struct {
		Deck  string `json:"deck"`
		Limit *int   `json:"limit"`
	}
	if err := study.Decode(arguments, &asked); err != nil {
		return nil, err
	}
	q := review.QueueQuery{UserID: user, Limit: mcpCards}
	var faults []study.Fault
	if asked.Limit != nil {
		if q.Limit = *asked.Limit; q.Limit < 1 || q.Limit > mcpMostCards {
			faults = append(faults, study.Fault{Field: "limit", Detail: "must be a whole number from 1 to 50"})
		}
	}
	if asked.Deck != "" {
		id, ok := study.CanonicalID(asked.Deck)
		if q.Deck = id; !ok {
			faults = append(faults, study.Fault{Field: "deck", Detail: "must be a UUID"})
		}
	}
	if err := study.Invalid(faults); err != nil {
		return nil, err
	}
	done, err := s.takeTurn()
	if err != nil {
		return nil, err
	}
	defer done()
	return s.reviewer().Queue(ctx, q, time.Now())
}

var gradeSchema = json.RawMessage(`{"type":"object","required":["card_id","rating"],"properties":{
	"card_id":{"type":"string"},
	"rating":{"type":"integer","minimum":1,"maximum":4},
	"review_id":{"type":"string","description":"A UUID of your own, so that a call that is repeated counts once."}},"additionalProperties":false}`)

func (s *Server) gradeCard(ctx context.Context, user string, arguments json.RawMessage) (any, error) {
	var asked struct {
		CardID   string `json:"card_id"`
		Rating   int    `json:"rating"`
		ReviewID string `json:"review_id"`
	}
	if err := study.Decode(arguments, &asked); err != nil {
		return nil, err
	}
	if err := s.refuseIfDiskFull(); err != nil {
		return nil, err
	}
	if asked.ReviewID == "" {
		asked.ReviewID = newID()
	}
	return s.reviewer().Grade(ctx, study.Review{ID: asked.ReviewID, UserID: user, CardID: asked.CardID, Rating: asked.Rating}, time.Now())
}
