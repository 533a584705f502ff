package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/review"
	"studysharper/app/study"
)

func (s *Server) routeReview(top router) {
	r := top.group("/api/review", s.requireUser, s.requireDisk).inTurns()
	r.Get("/queue", s.inTurn(s.reviewQueue))
	r.Get("/suspended", s.inTurn(s.suspendedCards))
	r.Get("/stats", s.inTurn(s.reviewStats))
	r.Get("/settings", s.reviewSettings)
	r.Put("/settings", s.once(s.saveReviewSettings))
	r.Post("/:card", s.once(s.reviewCard))
	r.Delete("/:card/:review", s.once(s.undoReview))
	r.Post("/:card/suspend", s.once(s.suspendCard))
	r.Post("/:card/reset", s.once(s.resetCard))
}

func (s *Server) reviewer() review.Reviewer { return review.Reviewer{Store: s.o.Store} }

// queueAsked parses which user's cards a request asks for, and which of them.
func queueAsked(c *fiber.Ctx) (q review.QueueQuery, err error) {
	if q.UserID, err = namedOwner(c); err != nil {
		return q, err
	}
	if q.Limit, err = numberOf(c, "limit", defaultLimit, review.MaxQueue); err != nil {
		return q, err
	}
	q.Deck, q.Subject = query(c, "deck"), query(c, "subject")
	if q.Deck != "" {
		id, ok := study.CanonicalID(q.Deck)
		if !ok {
			return q, study.Invalid([]study.Fault{{Field: "deck", Detail: "must be a UUID"}})
		}
		q.Deck = id
	}
	return q, nil
}

// reviewQueue answers GET /api/review/queue.
func (s *Server) reviewQueue(c *fiber.Ctx) error {
	q, err := queueAsked(c)
	if err != nil {
		return err
	}
	queue, err := s.reviewer().Queue(s.lifetime, q, time.Now())
	if err != nil {
		return err
	}
	return c.JSON(queue)
}

// suspendedCards answers GET /api/review/suspended.
func (s *Server) suspendedCards(c *fiber.Ctx) error {
	q, err := queueAsked(c)
	if err != nil {
		return err
	}
	cards, err := s.reviewer().Suspended(s.lifetime, q, time.Now())
	if err != nil {
		return err
	}
	return c.JSON(fiber.Map{"cards": cards})
}

// cardAsked returns the card that a request names, and the user who must own it.
func cardAsked(c *fiber.Ctx) (user, card string, err error) {
	if card, err = idParam(c, "card"); err != nil {
		return "", "", err
	}
	user, err = userOf(c, query(c, "user_id"))
	return user, card, err
}

// reviewCard answers POST /api/review/{card_id}.
func (s *Server) reviewCard(c *fiber.Ctx) error {
	user, card, err := cardAsked(c)
	if err != nil {
		return err
	}
	var body struct {
		Rating     int     `json:"rating"`
		ReviewID   string  `json:"review_id"`
		DurationMS int64   `json:"duration_ms"`
		ReviewedAt *string `json:"reviewed_at"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	v := study.Review{ID: body.ReviewID, UserID: user, CardID: card, Rating: body.Rating,
		Duration: time.Duration(min(body.DurationMS, int64(review.MaxDuration/time.Millisecond))) * time.Millisecond}
	if body.ReviewedAt != nil {
		if v.At, err = time.Parse(time.RFC3339, *body.ReviewedAt); err != nil {
			return study.Invalid([]study.Fault{{Field: "reviewed_at", Detail: "must be a time as in RFC 3339"}})
		}
	}
	status, err := s.reviewer().Grade(s.context(c), v, time.Now())
	if err != nil {
		return err
	}
	return c.JSON(status)
}

// undoReview answers DELETE /api/review/{card_id}/{review_id}.
func (s *Server) undoReview(c *fiber.Ctx) error {
	user, card, err := cardAsked(c)
	if err != nil {
		return err
	}
	id, err := idParam(c, "review")
	if err != nil {
		return err
	}
	status, err := s.reviewer().Undo(s.context(c), user, card, id)
	if err != nil {
		return err
	}
	return c.JSON(status)
}

// suspendCard answers POST /api/review/{card_id}/suspend; {"suspended": false} returns the card to the queue.
func (s *Server) suspendCard(c *fiber.Ctx) error {
	user, card, err := cardAsked(c)
	if err != nil {
		return err
	}
	suspended := true
	if body := c.Request().Body(); len(body) > 0 {
		var given struct {
			Suspended *bool `json:"suspended"`
		}
		if err := study.Decode(body, &given); err != nil {
			return err
		}
		suspended = given.Suspended == nil || *given.Suspended
	}
	status, err := s.reviewer().Suspend(s.context(c), user, card, suspended)
	if err != nil {
		return err
	}
	return c.JSON(status)
}

// resetCard answers POST /api/review/{card_id}/reset.
func (s *Server) resetCard(c *fiber.Ctx) error {
	user, card, err := cardAsked(c)
	if err != nil {
		return err
	}
	status, err := s.reviewer().Reset(s.context(c), user, card)
	if err != nil {
		return err
	}
	return c.JSON(status)
}

// reviewStats answers GET /api/review/stats.
func (s *Server) reviewStats(c *fiber.Ctx) error {
	user, err := namedOwner(c)
	if err != nil {
		return err
	}
	days, err := numberOf(c, "days", 30, review.MaxStatDays)
	if err != nil {
		return err
	}
	stats, err := s.reviewer().Stats(s.lifetime, user, days, time.Now())
	if err != nil {
		return err
	}
	return c.JSON(stats)
}

// reviewSettings answers GET /api/review/settings.
func (s *Server) reviewSettings(c *fiber.Ctx) error {
	user, err := namedOwner(c)
	if err != nil {
		return err
	}
	settings, err := s.reviewer().Settings(s.lifetime, user)
	if err != nil {
		return err
	}
	return c.JSON(settings)
}

// saveReviewSettings answers PUT /api/review/settings: settings that the body omits do not change.
func (s *Server) saveReviewSettings(c *fiber.Ctx) error {
	var body struct {
		UserID           string   `json:"user_id"`
		DesiredRetention *float64 `json:"desired_retention"`
		NewPerDay        *int     `json:"new_per_day"`
		UTCOffsetMinutes *int     `json:"utc_offset_minutes"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	user, err := namedUser(c, body.UserID)
	if err != nil {
		return err
	}
	ctx := s.context(c)
	settings, err := s.o.Store.ReviewSettings(ctx, user)
	if err != nil {
		return err
	}
	if body.DesiredRetention != nil {
		settings.DesiredRetention = *body.DesiredRetention
	}
	if body.NewPerDay != nil {
		settings.NewPerDay = *body.NewPerDay
	}
	if body.UTCOffsetMinutes != nil {
		settings.UTCOffsetMinutes = *body.UTCOffsetMinutes
	}
	if settings, err = s.o.Store.SaveReviewSettings(ctx, settings); err != nil {
		return err
	}
	return c.JSON(settings)
}
