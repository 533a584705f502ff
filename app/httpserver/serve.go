package httpserver

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"studysharper/app/metrics"
)

// serve answers one request: it refuses the head, or has the handler answer it and ends the connection where a part of
// the request was left unread.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	c, _ := ctx.Conn().(*conn) // nil for a request of the server's own
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

// refuse has a request answered whose head is refused, and closes the connection: nothing behind the head may be taken
// for another request.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, c *conn, status int) {
	if c != nil {
		c.leaveUnread(status)
	}
	s.answer(ctx, c, func(ctx *fasthttp.RequestCtx) { s.o.Refuse(ctx, status) })
	ctx.SetConnectionClose()
}

// noMethod stands for the method of a head that could not be read.
const noMethod = "-"

// refuseUnreadable is fasthttp's ErrorHandler, for heads that its parser refuses. The parser has dropped the headers;
// the connection still knows the Origin, which the answer needs for browsers to see it.
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

// parserStatus is the status for an error of fasthttp's parser; 0 = the connection is broken, and nobody would hear it.
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
