package httpapi

import (
	_ "embed" // the document

	"github.com/gofiber/fiber/v2"
)

// openAPI is the document of all routes. It is kept by hand; tests hold every route
// and every answer against it.
//
//go:embed openapi.json
var openAPI []byte

func openapi(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(openAPI)
}
