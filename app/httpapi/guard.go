package httpapi

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

const maxHeaders = 100 // header lines of a request; above it 431

// guard refuses requests that fasthttp understands and a proxy before it might understand differently, and methods
// that Fiber answers by itself. It stands before everything else: what it refuses reaches no handler, and its
// connection is closed, so that nothing behind it on the connection is taken for a request.
func (s *Server) guard(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		status := refusal(&ctx.Request.Header)
		if status == 0 {
			next(ctx)
			return
		}
		c := s.app.AcquireCtx(ctx)
		defer s.app.ReleaseCtx(c)
		if err := s.fail(c, fiber.NewError(status)); err != nil {
			ctx.SetStatusCode(http.StatusInternalServerError)
		}
		ctx.SetConnectionClose()
	}
}

// refusal is the status that a request's head is refused with; 0 = it is served.
func refusal(h *fasthttp.RequestHeader) int {
	version := string(h.Protocol())
	switch {
	case version != "HTTP/1.1" && version != "HTTP/1.0":
		return http.StatusHTTPVersionNotSupported
	case !slices.Contains(fiber.DefaultMethods, string(h.Method())):
		return http.StatusNotImplemented
	case !addressed(string(h.RequestURI()), string(h.Host())):
		return http.StatusBadRequest
	}
	return linesRefused(h.RawHeaders())
}

// addressed reports whether what is asked for is a path of the host that is asked, or the host itself (RFC 9112,
// section 3.2).
func addressed(target, host string) bool {
	if !hostname(host) || strings.Contains(target, "#") {
		return false
	}
	if strings.HasPrefix(target, "/") || target == "*" {
		return true
	}
	scheme, authority, absolute := strings.Cut(target, "://")
	if end := strings.IndexAny(authority, "/?"); end >= 0 {
		authority = authority[:end]
	}
	return absolute && strings.EqualFold(authority, host) &&
		(strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// hostname reports whether a Host consists of what names, addresses and ports consist of; HTTP/1.0 may have none.
func hostname(host string) bool {
	for i := range len(host) {
		if !hostBytes[host[i]] {
			return false
		}
	}
	return true
}

// linesRefused is refusal for the header lines as they were sent (RFC 9112, sections 5 and 6). fasthttp takes a bare
// LF for a line's end, joins folded lines, lets a name have spaces in it, and takes the chunks of a body that has a
// length as well.
func linesRefused(raw []byte) int {
	framings := 0
	for n := 0; len(raw) > 0; n++ {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte("\n"))
		line, crlf := bytes.CutSuffix(line, []byte("\r"))
		if crlf && len(line) == 0 {
			break // the end of the head
		}
		name, value, colon := bytes.Cut(line, []byte(":"))
		if !crlf || !colon || !fieldName(name) {
			return http.StatusBadRequest
		}
		if n == maxHeaders {
			return http.StatusRequestHeaderFieldsTooLarge
		}
		framing, status := fieldRefused(name, bytes.Trim(value, " \t"))
		if framings += framing; status != 0 || framings > 1 {
			return cmp.Or(status, http.StatusBadRequest)
		}
	}
	return 0
}

// The headers that a head is refused for, and the values that it is not.
var (
	contentLength    = []byte(fiber.HeaderContentLength)
	transferEncoding = []byte(fiber.HeaderTransferEncoding)
	expect           = []byte(fiber.HeaderExpect)
	chunked          = []byte("chunked")
	goOn             = []byte("100-continue")
)

// fieldRefused is refusal for one header. framing is 1 for one that says where the body ends, of which there may be one.
func fieldRefused(name, value []byte) (framing, status int) {
	switch {
	case bytes.EqualFold(name, contentLength):
		return 1, 0
	case bytes.EqualFold(name, transferEncoding) && !bytes.EqualFold(value, chunked):
		return 1, http.StatusBadRequest
	case bytes.EqualFold(name, transferEncoding):
		return 1, 0
	case bytes.EqualFold(name, expect) && !bytes.EqualFold(value, goOn):
		return 0, http.StatusExpectationFailed
	}
	return 0, 0
}

// fieldName reports whether a header's name is one (RFC 9110, section 5.6.2).
func fieldName(name []byte) bool {
	for _, b := range name {
		if !nameBytes[b] {
			return false
		}
	}
	return len(name) > 0
}

// What hosts and the names of headers may consist of, by byte: every request is looked at by it.
var (
	hostBytes = alphanumericAnd("-._~:[]%")
	nameBytes = alphanumericAnd("!#$%&'*+-.^_`|~")
)

func alphanumericAnd(others string) (set [256]bool) {
	const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for _, b := range []byte(alphanumeric + others) {
		set[b] = true
	}
	return set
}
