package httpserver

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

const maxHeaders = 100 // header lines of a request; more are answered with 431

// checkHead refuses unsupported methods, and requests that fasthttp understands but a proxy in front of it might
// interpret differently. It returns what the head says about the body; status 0 = the request is served.
func checkHead(h *fasthttp.RequestHeader, methods []string) (body framing, status int) {
	version := string(h.Protocol())
	switch {
	case version != "HTTP/1.1" && version != "HTTP/1.0":
		return body, http.StatusHTTPVersionNotSupported
	case !slices.Contains(methods, string(h.Method())):
		return body, http.StatusNotImplemented
	case !addressed(string(h.RequestURI()), string(h.Host())):
		return body, http.StatusBadRequest
	}
	body, status = checkLines(h.RawHeaders())
	body.waits = body.waits && version == "HTTP/1.1" // HTTP/1.0 has no 100 Continue
	return body, status
}

// addressed reports whether the target is a path, "*", or an http or https URL of the host in the Host header (RFC
// 9112, section 3.2).
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

// hostname reports whether a Host header contains only characters of names, addresses and ports. HTTP/1.0 requests may
// omit it.
func hostname(host string) bool {
	for i := range len(host) {
		if !hostBytes[host[i]] {
			return false
		}
	}
	return true
}

// checkLines does checkHead's checks of the raw header lines (RFC 9112, sections 5 and 6). fasthttp accepts a bare LF
// as a line end, folded lines, names with spaces in them, and chunks together with a Content-Length.
func checkLines(raw []byte) (body framing, status int) {
	framings := 0
	for n := 0; len(raw) > 0; n++ {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte("\n"))
		line, crlf := bytes.CutSuffix(line, []byte("\r"))
		if crlf && len(line) == 0 {
			break // end of the head
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

// The headers that are checked, and their accepted values.
var (
	contentLength    = []byte(fasthttp.HeaderContentLength)
	transferEncoding = []byte(fasthttp.HeaderTransferEncoding)
	expect           = []byte(fasthttp.HeaderExpect)
	chunked          = []byte("chunked")
	goOn             = []byte("100-continue")
)

// field parses what a header says about the body; status is not 0 if the head must be refused. framing is 1 for a
// header that says where the body ends; only one is allowed.
func (b *framing) field(name, value []byte) (framing, status int) {
	switch {
	case bytes.EqualFold(name, contentLength):
		length, err := strconv.Atoi(string(value)) // digits only: fasthttp refuses anything else
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
		b.waits = true
	}
	return 0, 0
}

// fieldName reports whether a header's name is a token (RFC 9110, section 5.6.2).
func fieldName(name []byte) bool {
	for _, b := range name {
		if !nameBytes[b] {
			return false
		}
	}
	return len(name) > 0
}

// The bytes that hosts and header names may contain; a table, because every request is checked.
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
