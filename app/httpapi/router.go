package httpapi

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// router registers routes. It inserts readBody before each handler, after the checks of the group and of the route.
type router struct {
	fiber.Router
	server *Server
	prefix string
	turns  bool // limit the concurrent requests of each address
}

// routedKey is where the route of a request is stored that has passed all checks.
type routedKey struct{}

func (r router) group(prefix string, checks ...fiber.Handler) router {
	return router{r.Group(prefix, checks...), r.server, r.prefix + prefix, r.turns}
}

// inTurns returns a router for routes that answer only a few requests of an address at a time.
func (r router) inTurns() router {
	r.turns = true
	return r
}

// Get also registers HEAD, as Fiber does.
func (r router) Get(path string, handlers ...fiber.Handler) fiber.Router {
	return r.Router.Get(path, r.reading(path, handlers)...)
}

// Post, Put, Patch and Delete register one method.
func (r router) Post(path string, handlers ...fiber.Handler) fiber.Router {
	return r.Router.Post(path, r.reading(path, handlers)...)
}

func (r router) Put(path string, handlers ...fiber.Handler) fiber.Router {
	return r.Router.Put(path, r.reading(path, handlers)...)
}

func (r router) Patch(path string, handlers ...fiber.Handler) fiber.Router {
	return r.Router.Patch(path, r.reading(path, handlers)...)
}

func (r router) Delete(path string, handlers ...fiber.Handler) fiber.Router {
	return r.Router.Delete(path, r.reading(path, handlers)...)
}

// Upload registers a POST whose body is a file.
func (r router) Upload(path string, handlers ...fiber.Handler) fiber.Router {
	return r.Router.Post(path, r.receiving(path, r.server.receiveUpload, handlers)...)
}

// reading inserts readBody before the last of a route's handlers; the handlers before it use the request's head only.
func (r router) reading(path string, handlers []fiber.Handler) []fiber.Handler {
	handlers = r.receiving(path, r.server.readBody, handlers)
	if r.turns {
		handlers = slices.Insert(handlers, len(handlers)-1, r.server.inOwnTurn)
	}
	return handlers
}

func (r router) receiving(path string, receive fiber.Handler, handlers []fiber.Handler) []fiber.Handler {
	pattern := r.prefix + strings.TrimSuffix(path, "/")
	if pattern == "" {
		pattern = "/"
	}
	if !slices.Contains(r.server.patterns, pattern) {
		r.server.patterns = append(r.server.patterns, pattern)
	}
	var routed any = pattern
	read := func(c *fiber.Ctx) error {
		c.Locals(routedKey{}, routed)
		return receive(c)
	}
	return slices.Insert(slices.Clone(handlers), len(handlers)-1, read)
}

// routeOf names a request's route, even if the request was answered earlier: a preflight, a wrong method, a missing
// token.
func (s *Server) routeOf(c *fiber.Ctx) string {
	if routed, ok := c.Locals(routedKey{}).(string); ok {
		return routed
	}
	if _, refused := c.Locals(headKey{}).(headRefusal); refused {
		return unnamed
	}
	path := c.Path()
	for _, pattern := range s.patterns {
		if fiber.RoutePatternMatch(path, pattern, fiber.Config{CaseSensitive: true}) {
			return pattern
		}
	}
	return unnamed
}
