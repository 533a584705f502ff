package httpapi

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

const maxHeaders = 100 // header lines of a request; above it 431

// strictRequests refuses requests that fasthttp understands and a proxy before it might understand differently, and methods
// that Fiber answers by itself. It stands before everything else: what it refuses reaches no handler, and its
// connection is closed, so that nothing behind it on the connection is taken for a request.
func (s *Server) strictRequests(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		body, status := checkHead(&ctx.Request.Header)
		if status != 0 {
			s.refuseHead(ctx, status)
			return
		}
		client, ok := ctx.Conn().(*conn)
		if !ok {
			next(ctx)
			return
		}
		client.body = body
		next(ctx)
		if client.body.length != 0 && !client.skipBody() {
			client.leaveUnread(ctx.Response.StatusCode())
			ctx.SetConnectionClose()
		}
	}
}

// checkHead reads what a request's head says of its body, and the status that the head is refused with; 0 = it is served.
func checkHead(h *fasthttp.RequestHeader) (body framing, status int) {
	version := string(h.Protocol())
	switch {
	case version != "HTTP/1.1" && version != "HTTP/1.0":
		return body, http.StatusHTTPVersionNotSupported
	case !slices.Contains(fiber.DefaultMethods, string(h.Method())):
		return body, http.StatusNotImplemented
	case !addressed(string(h.RequestURI()), string(h.Host())):
		return body, http.StatusBadRequest
	}
	body, status = checkLines(h.RawHeaders())
	body.goOn = body.goOn && version == "HTTP/1.1" // HTTP/1.0 does not know it
	return body, status
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

// checkLines is checkHead for the header lines as they were sent (RFC 9112, sections 5 and 6). fasthttp takes a bare
// LF for a line's end, joins folded lines, lets a name have spaces in it, and takes the chunks of a body that has a
// length as well.
func checkLines(raw []byte) (body framing, status int) {
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
			return body, http.StatusBadRequest
		}
		if n == maxHeaders {
			return body, http.StatusRequestHeaderFieldsTooLarge
		}
		framing, status := body.field(name, bytes.Trim(value, " \t"))
		if framings += framing; status != 0 || framings > 1 {
			return body, cmp.Or(status, http.StatusBadRequest)
		}
	}
	return body, 0
}

// The headers that a head is refused for, and the values that it is not.
var (
	contentLength    = []byte(fiber.HeaderContentLength)
	transferEncoding = []byte(fiber.HeaderTransferEncoding)
	expect           = []byte(fiber.HeaderExpect)
	chunked          = []byte("chunked")
	goOn             = []byte("100-continue")
)

// field notes what one header says of the body, and gives the status that it is refused with. framing is 1 for one
// that says where the body ends, of which there may be one.
func (b *framing) field(name, value []byte) (framing, status int) {
	switch {
	case bytes.EqualFold(name, contentLength):
		length, err := strconv.Atoi(string(value)) // digits: fasthttp has refused all else
		if err != nil {
			return 1, http.StatusBadRequest
		}
		b.length = length
		return 1, 0
	case bytes.EqualFold(name, transferEncoding) && !bytes.EqualFold(value, chunked):
		return 1, http.StatusBadRequest
	case bytes.EqualFold(name, transferEncoding):
		b.length = -1
		return 1, 0
	case bytes.EqualFold(name, expect) && !bytes.EqualFold(value, goOn):
		return 0, http.StatusExpectationFailed
	case bytes.EqualFold(name, expect):
		b.goOn = true
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
