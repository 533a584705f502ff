package httpapi

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// hstsFor is how long browsers use only TLS for this host after they have used it once.
const hstsFor = "max-age=31536000"

// dataPolicy is the Content-Security-Policy of answers that are not pages: they load and run nothing, and cannot be framed.
const dataPolicy = "default-src 'none'; frame-ancestors 'none'"

// secureHeaders sets the security headers of every answer: browsers must not guess its type, send its URL as a
// referrer, let foreign pages embed it or share a window with it, or store what belongs to a user.
func (s *Server) secureHeaders(c *fiber.Ctx) {
	h := &c.Response().Header
	h.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	h.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if len(h.Peek(fiber.HeaderContentSecurityPolicy)) == 0 {
		h.Set(fiber.HeaderContentSecurityPolicy, dataPolicy)
	}
	if len(h.Peek(fiber.HeaderCacheControl)) == 0 && strings.HasPrefix(c.Path(), "/api/") {
		h.Set(fiber.HeaderCacheControl, "no-store")
	}
	if s.cameByTLS(c) {
		h.Set(fiber.HeaderStrictTransportSecurity, hstsFor)
	}
}

// cameByTLS reports whether a trusted proxy says that the client uses TLS. With several proxies, the first value is the
// client's.
func (s *Server) cameByTLS(c *fiber.Ctx) bool {
	first, _, _ := strings.Cut(c.Get(fiber.HeaderXForwardedProto), ",")
	return len(s.o.Admission.Proxies) > 0 && strings.EqualFold(strings.TrimSpace(first), "https") && s.trusts(remote(c))
}
