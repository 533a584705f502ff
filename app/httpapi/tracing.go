package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"studysharper/app/trace"
)

// traceKey is where a request's trace context is stored (the context of its own span).
type traceKey struct{}

// beginTrace parses the request's traceparent and starts its span, which may be nil.
func beginTrace(c *fiber.Ctx) *trace.Span {
	given := c.Request().Header.Peek(trace.Header)
	parent, _ := trace.Parse(string(given))
	own, span := parent.Begin(trace.Server, "")
	if own.Valid() {
		c.Locals(traceKey{}, own)
	}
	return span
}

// endTrace ends a request's span. Only failures of the service mark the span as failed.
func (s *Server) endTrace(c *fiber.Ctx, span *trace.Span, failure error) {
	if span == nil {
		return
	}
	status := c.Response().StatusCode()
	if status < fiber.StatusInternalServerError {
		failure = nil
	}
	method, route := methodOf(c), s.routeOf(c)
	span.Name(method + " " + route)
	span.Set("http.request.method", method)
	span.Set("http.route", route)
	span.Set("http.response.status_code", status)
	span.End(failure)
}

// traceOf returns a request's trace context, which may be empty.
func traceOf(c *fiber.Ctx) trace.Context {
	own, _ := c.Locals(traceKey{}).(trace.Context)
	return own
}
