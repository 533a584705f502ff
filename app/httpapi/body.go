package httpapi

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/study"
)

// readBody runs before the handler of every route, and after all checks that need only the head, the route, the method
// or the user.
func (s *Server) readBody(c *fiber.Ctx) error {
	if httpserver.HasBody(c.Context()) {
		switch {
		case !isPlain(c):
			c.Set(fiber.HeaderAcceptEncoding, "identity")
			return study.Errorf(study.CodeUnsupported, "send the body without Content-Encoding")
		case !isSafe(c.Method()) && c.Method() != fiber.MethodDelete && !isJSON(c):
			c.Set(fiber.HeaderAccept, fiber.MIMEApplicationJSON)
			return study.Errorf(study.CodeUnsupported, "send the body as JSON, with Content-Type: application/json")
		}
	}
	switch status := s.http.ReadBody(c.Context()); status {
	case 0:
		return c.Next()
	case http.StatusServiceUnavailable:
		return study.Errorf(study.CodeOverloaded, "too many requests are being received")
	default:
		return fiber.NewError(status)
	}
}

// isPlain reports whether the body has no content encoding; "identity" means none.
func isPlain(c *fiber.Ctx) bool {
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderContentEncoding) {
		for coding := range strings.SplitSeq(string(line), ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return false
			}
		}
	}
	return true
}
