package httpapi

import (
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// headKey is where refuseHead stores a request's headRefusal.
type headKey struct{}

// headRefusal is why a request does not reach the routes.
type headRefusal struct {
	method string // as shown in the log
	err    error
}

// unnamed is logged instead of an unknown method or route: text that a client made up is not logged.
const unnamed = "-"

// refuseHead answers a request whose head httpserver refuses. The answer passes through the usual middleware, which
// adds its id and CORS headers, counts it and logs it.
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

// refusedHead answers a request that was refused because of its head. It runs inside the usual middleware.
func refusedHead(c *fiber.Ctx) error {
	if refusal, ok := c.Locals(headKey{}).(headRefusal); ok {
		return refusal.err
	}
	return c.Next()
}
