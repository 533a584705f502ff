package httpapi

import (
	_ "embed" // the document

	"github.com/gofiber/fiber/v2"
)

// openAPI describes all routes. It is written by hand; tests compare every route and every answer with it.
//
//go:embed openapi.json
var openAPI []byte

func openapi(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(openAPI)
}
