package httpserver

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"studysharper/app/metrics"
)

// serve answers one request: it refuses the head, or calls the handler and closes the connection if a part of the
// request stayed unread.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	c, _ := ctx.Conn().(*conn) // nil for the server's own requests
	body, status := checkHead(&ctx.Request.Header, s.o.Methods)
	if status != 0 {
		s.refuse(ctx, c, status)
		return
	}
	if c != nil {
		c.body = body
	}
	s.answer(ctx, c, s.o.Handler)
	if c != nil && c.body.length != 0 && !c.skipBody() {
		c.leaveUnread(ctx.Response.StatusCode())
		ctx.SetConnectionClose()
	}
}

// answer calls a handler and accounts for the request.
func (s *Server) answer(ctx *fasthttp.RequestCtx, c *conn, handler fasthttp.RequestHandler) {
	s.o.Own.Shift(metrics.InFlight, 1)
	defer s.o.Own.Shift(metrics.InFlight, -1)
	number := s.conns.requests.begin()
	defer s.conns.requests.end(number)
	if c != nil {
		c.request = number
	}
	handler(ctx)
	if s.closing.Load() || s.conns.lingering() {
		ctx.SetConnectionClose()
	}
}

// refuse answers a request whose head is refused, and closes the connection: what follows the head must not be treated
// as another request.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, c *conn, status int) {
	if c != nil {
		c.leaveUnread(status)
	}
	s.answer(ctx, c, func(ctx *fasthttp.RequestCtx) { s.o.Refuse(ctx, status) })
	ctx.SetConnectionClose()
}

// noMethod replaces the method of a head that could not be parsed.
const noMethod = "-"

// refuseUnreadable is fasthttp's ErrorHandler, for heads that its parser refuses. The parser has discarded the headers;
// the connection still has the Origin, without which browsers hide the answer from the page.
func (s *Server) refuseUnreadable(ctx *fasthttp.RequestCtx, err error) {
	status := parserStatus(err)
	if status == 0 {
		return
	}
	ctx.Request.Reset()
	ctx.Request.SetRequestURI("/")
	ctx.Request.Header.SetMethod(noMethod)
	c, _ := ctx.Conn().(*conn)
	if c != nil {
		if status == http.StatusRequestHeaderFieldsTooLarge {
			c.findOrigin()
		}
		ctx.Request.Header.Set(fasthttp.HeaderOrigin, c.head.origin)
	}
	s.refuse(ctx, c, status)
}

// parserStatus returns the status for an error of fasthttp's parser; 0 = the connection is broken, and an answer could
// not be sent.
func parserStatus(err error) int {
	var broken net.Error
	switch {
	case errors.As(err, new(*fasthttp.ErrSmallBuffer)):
		return http.StatusRequestHeaderFieldsTooLarge
	case errors.As(err, &broken) && broken.Timeout(), strings.Contains(err.Error(), "timeout"): // not all of them wrap the timeout
		return http.StatusRequestTimeout
	case broken != nil:
		return 0
	default:
		return http.StatusBadRequest
	}
}
