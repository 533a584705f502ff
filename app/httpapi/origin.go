package httpapi

import (
	"mime"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// requireHost refuses requests for a host that is not in Options.Hosts. Otherwise a page could point its own name at
// this service's address (DNS rebinding) and call the service as same-origin. Health probes are answered for any host,
// because platforms call them by address.
func (s *Server) requireHost(c *fiber.Ctx) error {
	if len(s.o.Hosts) == 0 || probe(c.Path()) || slices.ContainsFunc(s.o.Hosts, isHost(string(c.Context().Host()))) {
		return c.Next()
	}
	return study.Errorf(study.CodeForbidden, "the service is not served under this host name")
}

// isHost returns a comparison with an allowed host; an allowed host without a port matches all ports.
func isHost(given string) func(allowed string) bool {
	name := given
	if host, _, err := net.SplitHostPort(given); err == nil {
		name = host
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".") // a trailing dot does not change the name
	return func(allowed string) bool {
		return strings.EqualFold(allowed, given) || strings.EqualFold(strings.Trim(allowed, "[]"), name)
	}
}

// requireOrigin refuses writes from pages of foreign origins: browsers send some without a preflight, and add the
// user's cookies. Clients that are not browsers send no Origin.
func (s *Server) requireOrigin(c *fiber.Ctx) error {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" || isSafe(c.Method()) || s.isOwnOrigin(c, origin) || s.allowsOrigin(origin) {
		return c.Next()
	}
	return study.Errorf(study.CodeForbidden, "pages of this origin may not write: add it to ALLOWED_ORIGINS")
}

// allowsOrigin reports whether an origin is in Options.Origins.
func (s *Server) allowsOrigin(origin string) bool {
	return slices.ContainsFunc(s.o.Origins, func(allowed string) bool { return allowed == "*" || strings.EqualFold(allowed, origin) })
}

// isSafe reports whether a method changes nothing (RFC 9110, section 9.2.1).
func isSafe(method string) bool {
	switch method {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions, fiber.MethodTrace:
		return true
	default:
		return false
	}
}

// isOwnOrigin reports whether a page comes from this service. The scheme is not compared, because a proxy may have
// terminated TLS. In case a proxy has also changed Host, Sec-Fetch-Site decides, which pages cannot forge.
func (*Server) isOwnOrigin(c *fiber.Ctx, origin string) bool {
	if site := c.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, string(c.Context().Host()))
}

// isJSON reports whether the request declares its body as JSON. Browsers send a preflight before they send that type
// from a foreign page.
func isJSON(c *fiber.Ctx) bool {
	given := c.Get(fiber.HeaderContentType)
	if given == fiber.MIMEApplicationJSON {
		return true
	}
	kind, _, err := mime.ParseMediaType(given)
	return err == nil && (kind == fiber.MIMEApplicationJSON || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}
