package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/study"
)

// roomForConnection refuses requests on a connection above Room.Conns, except probes: they must tell the truth then too.
// Either way the connection is closed after the answer.
func (s *Server) roomForConnection(c *fiber.Ctx) error {
	if !httpserver.Crowded(c.Context()) {
		return c.Next()
	}
	c.Response().SetConnectionClose()
	if probe(c.Path()) {
		return c.Next()
	}
	return study.Errorf(study.CodeOverloaded, "too many open connections")
}
