package httpapi

import (
	_ "embed" // the document
	"sync"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/web"
)

// openAPI describes all routes. It is written by hand; tests compare every route and every answer with it.
//
//go:embed openapi.json
var openAPI []byte

// Both documents are prepared on first use: most workers never serve them. The second one is kept compressed only.
var (
	openAPI31 = sync.OnceValue(func() *web.File { return web.NewFile(".json", openAPI) })
	openAPI30 = sync.OnceValue(func() *web.File {
		older, err := downgradeOpenAPI(openAPI)
		if err != nil {
			panic(err) // the document is a constant, and a test converts it
		}
		return web.NewPackedFile(".json", older)
	})
)

// openapi answers GET /openapi.json.
func (*Server) openapi(c *fiber.Ctx) error { return sendFile(c, openAPI31(), "no-cache") }

// openapi30 answers GET /openapi-3.0.json: the same document for generators that do not read OpenAPI 3.1.
func (*Server) openapi30(c *fiber.Ctx) error { return sendFile(c, openAPI30(), "no-cache") }

// docsPage answers GET /docs: a page that shows the document.
func (s *Server) docsPage(c *fiber.Ctx) error { return s.page(c, web.Docs) }
