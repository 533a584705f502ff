package httpapi

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/web"
)

// immutable is the Cache-Control of files whose URL changes with their content.
const immutable = "public, max-age=31536000, immutable"

// page answers with a page, which browsers revalidate on every visit.
func (*Server) page(c *fiber.Ctx, name string) error {
	c.Set(fiber.HeaderContentSecurityPolicy, web.Policy)
	return sendFile(c, web.Page(name), "no-cache")
}

// adminPage answers GET /admin. It needs no token: the page asks for it.
func (s *Server) adminPage(c *fiber.Ctx) error { return s.page(c, web.Admin) }

// serviceWorker answers GET /sw.js. It is at the root because a service worker's path limits its scope.
func (s *Server) serviceWorker(c *fiber.Ctx) error { return s.page(c, web.Worker) }

// manifest answers GET /manifest.webmanifest, which browsers need to install the page.
func (s *Server) manifest(c *fiber.Ctx) error { return s.page(c, web.Manifest) }

// asset answers GET /assets/{version}/{name} with a file of a page.
func (*Server) asset(c *fiber.Ctx) error {
	file, lasting := web.Asset(c.Params("version"), c.Params("name"))
	switch {
	case file == nil:
		return fiber.ErrNotFound
	case lasting:
		return sendFile(c, file, immutable)
	default:
		return sendFile(c, file, "no-cache")
	}
}

func sendFile(c *fiber.Ctx, file *web.File, keep string) error {
	c.Set(fiber.HeaderCacheControl, keep)
	c.Set(fiber.HeaderETag, file.ETag)
	c.Vary(fiber.HeaderAcceptEncoding)
	if sameTag(c.Get(fiber.HeaderIfNoneMatch), file.ETag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, file.Type)
	if c.AcceptsEncodings("identity", "gzip") == "gzip" { // identity if the client names no encoding
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(file.Gzip())
	}
	return c.Send(file.Plain())
}

// sameTag compares tags like If-None-Match (RFC 9110, section 13.1.2): weakly.
func sameTag(given, tag string) bool {
	if strings.TrimSpace(given) == "*" {
		return true
	}
	for one := range strings.SplitSeq(given, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
