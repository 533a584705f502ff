package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/study"
)

// listTurn is how long a request waits for its turn to make a list.
const listTurn = 5 * time.Second

// inTurn lets few requests at a time make a large answer.
func (s *Server) inTurn(handler fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		turn := time.NewTimer(listTurn)
		defer turn.Stop()
		select {
		case s.lists <- struct{}{}:
		case <-turn.C:
			return study.Errorf(study.CodeOverloaded, "too many lists are being read")
		}
		defer func() { <-s.lists }()
		return handler(c)
	}
}

// holdAnswer counts an answer until it is sent: how long that takes is up to its client. One that does not fit, and that
// can be asked for again, is an error instead.
func holdAnswer(c *fiber.Ctx) error {
	if c.Method() == fiber.MethodHead || c.Response().IsBodyStream() {
		return nil
	}
	if httpserver.HoldAnswer(c.Context(), len(c.Response().Body()), c.Method() != fiber.MethodGet) {
		return nil
	}
	for _, of := range []string{fiber.HeaderContentEncoding, fiber.HeaderETag, fiber.HeaderCacheControl} {
		c.Response().Header.Del(of)
	}
	return study.Errorf(study.CodeOverloaded, "too many answers are being sent")
}
