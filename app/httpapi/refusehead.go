package httpapi

import (
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// headKey is where a request that is refused for its head has its headRefusal.
type headKey struct{}

// headRefusal is why a request is not let in to the routes.
type headRefusal struct {
	method string // as the log names it
	err    error
}

// unnamed is logged instead of a method or a route that is not one of ours: a client's own text is not logged.
const unnamed = "-"

// refuseHead answers a request whose head httpserver refuses. The answer goes through the middleware of all answers, for
// its id, its CORS headers, its count and its line in the log.
func (s *Server) refuseHead(ctx *fasthttp.RequestCtx, status int) {
	refusal := headRefusal{method: unnamed, err: fiber.NewError(status)}
	if method := string(ctx.Method()); slices.Contains(fiber.DefaultMethods, method) {
		refusal.method = method
	}
	if !ctx.IsHead() { // the answer to HEAD has no body
		ctx.Request.Header.SetMethod(fiber.MethodGet) // a method that Fiber routes, and no preflight
	}
	ctx.SetUserValue(headKey{}, refusal)
	s.routes(ctx)
}

// refusedHead answers a request that is refused for its head, behind the middleware of all answers.
func refusedHead(c *fiber.Ctx) error {
	if refusal, ok := c.Locals(headKey{}).(headRefusal); ok {
		return refusal.err
	}
	return c.Next()
}
