package httpapi

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// hstsFor is how long browsers use nothing but TLS for this host once they have used it.
const hstsFor = "max-age=31536000"

// dataPolicy is the Content-Security-Policy of answers that are not pages: they load and run nothing, and cannot be framed.
const dataPolicy = "default-src 'none'; frame-ancestors 'none'"

// secureHeaders sets what browsers are told about every answer: not to guess its type, not to send its address on, not to
// let foreign pages embed it or share a window with it, and not to store what belongs to a user.
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

// cameByTLS reports whether a trusted proxy says that the client uses TLS. Of several proxies, the first speaks of the client.
func (s *Server) cameByTLS(c *fiber.Ctx) bool {
	first, _, _ := strings.Cut(c.Get(fiber.HeaderXForwardedProto), ",")
	return len(s.o.Admission.Proxies) > 0 && strings.EqualFold(strings.TrimSpace(first), "https") && s.trusts(remote(c))
}
