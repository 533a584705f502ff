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

// requireHost refuses requests for a host that is not in Options.Hosts. Otherwise a page could give its own name the
// address of this service (DNS rebinding), and so call it as if it were of the same origin. Probes are answered for any
// host: platforms call them by an address.
func (s *Server) requireHost(c *fiber.Ctx) error {
	if len(s.o.Hosts) == 0 || probe(c.Path()) || slices.ContainsFunc(s.o.Hosts, isHost(string(c.Context().Host()))) {
		return c.Next()
	}
	return study.Errorf(study.CodeForbidden, "the service is not served under this host name")
}

// isHost compares with an allowed host; one without a port stands for all ports.
func isHost(given string) func(allowed string) bool {
	name := given
	if host, _, err := net.SplitHostPort(given); err == nil {
		name = host
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".") // a name with a dot at its end is the same one
	return func(allowed string) bool {
		return strings.EqualFold(allowed, given) || strings.EqualFold(strings.Trim(allowed, "[]"), name)
	}
}

// requireOrigin refuses writes that a page of a foreign origin sends: browsers send some without asking first (a
// preflight), and add the user's cookies. Clients that are not browsers send no Origin.
func (s *Server) requireOrigin(c *fiber.Ctx) error {
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" || isSafe(c.Method()) || s.isOwnOrigin(c, origin) || s.allowsOrigin(origin) {
		return c.Next()
	}
	return study.Errorf(study.CodeForbidden, "pages of this origin may not write: add it to ALLOWED_ORIGINS")
}

// allowsOrigin reports whether Options.Origins has an origin.
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

// isOwnOrigin reports whether a page comes from this service. The scheme is not compared: a proxy may have ended TLS.
// Where the proxy has changed Host too, the browser's own judgement counts, which pages cannot forge.
func (*Server) isOwnOrigin(c *fiber.Ctx, origin string) bool {
	if site := c.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, string(c.Context().Host()))
}

// isJSON reports whether the request says that its body is JSON. Browsers ask first (a preflight) before they send that
// type from a foreign page.
func isJSON(c *fiber.Ctx) bool {
	given := c.Get(fiber.HeaderContentType)
	if given == fiber.MIMEApplicationJSON {
		return true
	}
	kind, _, err := mime.ParseMediaType(given)
	return err == nil && (kind == fiber.MIMEApplicationJSON || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}
