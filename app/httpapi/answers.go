package httpapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

const (
	listTurn    = 5 * time.Second // how long a request waits to make one
	smallAnswer = 16 << 10        // answers up to this are not counted: the kernel takes them at once
)

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

// holdAnswer counts an answer until it is sent: how long that takes is up to its client. One that has no room, and
// that can be asked for again, is an error instead.
func holdAnswer(c *fiber.Ctx) error {
	client, ok := c.Context().Conn().(*conn)
	if !ok || c.Method() == fiber.MethodHead || c.Response().IsBodyStream() {
		return nil
	}
	n := len(c.Response().Body())
	switch {
	case n <= smallAnswer:
	case c.Method() != fiber.MethodGet:
		client.holdAnyway(n)
	case !client.hold(n):
		for _, of := range []string{fiber.HeaderContentEncoding, fiber.HeaderETag, fiber.HeaderCacheControl} {
			c.Response().Header.Del(of)
		}
		return study.Errorf(study.CodeOverloaded, "too many answers are being sent")
	}
	return nil
}
