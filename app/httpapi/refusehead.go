package httpapi

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

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

// noName is logged where a request has no name of ours: a client's own text is not logged.
const noName = "-"

// refuseHead answers a request whose head is refused, and closes the connection. The answer goes through the
// middleware of all answers, for its id, its CORS headers, its count and its line in the log.
func (s *Server) refuseHead(ctx *fasthttp.RequestCtx, status int) {
	refusal := headRefusal{method: noName, err: fiber.NewError(status)}
	if method := string(ctx.Method()); slices.Contains(fiber.DefaultMethods, method) {
		refusal.method = method
	}
	if !ctx.IsHead() { // which has no body
		ctx.Request.Header.SetMethod(fiber.MethodGet) // a route of Fiber's, and no preflight
	}
	ctx.SetUserValue(headKey{}, refusal)
	if client, ok := ctx.Conn().(*conn); ok {
		client.leaveUnread(status)
	}
	s.routes(ctx)
	ctx.SetConnectionClose()
}

// unreadable is fasthttp's ErrorHandler: it gets what the parser refuses, of which only the connection knows more.
func (s *Server) unreadable(ctx *fasthttp.RequestCtx, err error) {
	status := parserStatus(err)
	if status == 0 {
		return
	}
	ctx.Request.Reset()
	ctx.Request.SetRequestURI("/")
	ctx.Request.Header.SetMethod(noName)
	if client, ok := ctx.Conn().(*conn); ok {
		if status == http.StatusRequestHeaderFieldsTooLarge {
			client.findOrigin()
		}
		ctx.Request.Header.Set(fiber.HeaderOrigin, client.head.origin)
	}
	s.refuseHead(ctx, status)
}

// parserStatus is the status for an error of fasthttp's parser; 0 = the connection is broken, nobody hears it.
func parserStatus(err error) int {
	var broken net.Error
	switch {
	case errors.As(err, new(*fasthttp.ErrSmallBuffer)):
		return http.StatusRequestHeaderFieldsTooLarge
	case errors.As(err, &broken) && broken.Timeout(), strings.Contains(err.Error(), "timeout"): // not all of them wrap it
		return http.StatusRequestTimeout
	case broken != nil:
		return 0
	default:
		return http.StatusBadRequest
	}
}

// refusedHead answers a request that is refused for its head, behind the middleware of all answers.
func refusedHead(c *fiber.Ctx) error {
	if refusal, ok := c.Locals(headKey{}).(headRefusal); ok {
		return refusal.err
	}
	return c.Next()
}
