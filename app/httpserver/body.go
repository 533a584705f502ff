package httpserver

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

// framing is what a request's head says about its body.
type framing struct {
	length int  // -1 = chunked, 0 = no body
	waits  bool // the client waits for 100 Continue before it sends the body
}

// Pace is the minimum speed at which a body must arrive or an answer must be read.
type Pace struct {
	Bytes   int           // per window
	Window  time.Duration //
	Longest time.Duration // for all of it
}

// The default paces. bodyPace is 1 kB/s. answerPace has a longer window, because a reader's kernel acknowledges in steps
// of half its buffer.
var (
	bodyPace   = Pace{Bytes: 10_000, Window: 10 * time.Second, Longest: 2 * time.Minute}
	answerPace = Pace{Bytes: 10_000, Window: 30 * time.Second, Longest: 2 * time.Minute}
)

// takeHead keeps fasthttp from reading the body. fasthttp calls it after the head and before the body.
func takeHead(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if length := h.ContentLength(); length > 0 || length == -1 {
		h.SetContentLength(0) // checkHead finds the announced length in the raw headers
	}
	if len(h.PeekBytes(expect)) > 0 {
		h.DelBytes(expect)
	}
	return fasthttp.RequestConfig{}
}

// HasBody reports whether a request has a body that has not been read yet.
func HasBody(ctx *fasthttp.RequestCtx) bool {
	c, ok := ctx.Conn().(*conn)
	return ok && c.body.length != 0
}

// BodyArrived reports whether a request's body has been received in full, or there is none, so that reading it does not
// wait.
func BodyArrived(ctx *fasthttp.RequestCtx) bool {
	c, ok := ctx.Conn().(*conn)
	return !ok || c.arrived()
}

// ReadBody reads a request's body to where fasthttp would have stored it. The status is 0, or the status to refuse the
// request with: 413 and 503 (no room in Options.TransitBytes) before the body is read, 408 and 400 while it is being
// read. It blocks for up to two minutes. During that time the request does not count as in flight: a slow client does
// not make a worker look stuck.
func (s *Server) ReadBody(ctx *fasthttp.RequestCtx) (status int) {
	c, ok := ctx.Conn().(*conn)
	most := s.o.MaxBodyBytes
	switch {
	case !ok || c.body.length == 0:
		return 0
	case c.body.length > most:
		return http.StatusRequestEntityTooLarge
	case c.arrived():
		return c.readBody(&ctx.Request, most)
	case !c.reserve(reservation(c.body, most)):
		return http.StatusServiceUnavailable
	}
	c.conns.requests.end(c.request)
	defer c.conns.requests.resume(c.request)
	return c.readBody(&ctx.Request, most)
}

// ReleaseBody frees the memory of a body that has been parsed.
func ReleaseBody(ctx *fasthttp.RequestCtx) {
	ctx.Request.ResetBody()
	if c, ok := ctx.Conn().(*conn); ok {
		c.release()
	}
}

// reservation is the memory that a body may need. The length of a chunked body is known only at its end; its buffer
// grows by being copied into a larger one.
func reservation(body framing, most int) int {
	if body.length < 0 {
		return 2 * most
	}
	return body.length
}

// arrived reports whether the whole body has been received together with the head.
func (c *conn) arrived() bool { return c.body.length >= 0 && c.body.length <= len(c.rest) }

// readBody reads the body into req. If the status is not 0, the connection must be closed.
func (c *conn) readBody(req *fasthttp.Request, most int) (status int) {
	body := &bodyReader{conn: c, until: time.Now().Add(c.conns.bodies.Longest)}
	err := body.begin()
	if err == nil && c.body.length < 0 {
		err = body.readChunks(req, most)
	} else if err == nil {
		err = body.readLength(req, c.body.length)
	}
	if err == nil {
		c.body = framing{}
		return 0
	}
	switch err = errors.Join(err, body.failed); {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	default:
		return http.StatusBadRequest
	}
}

// skipBody discards an unread body if it has arrived. Otherwise it returns false, and the connection must be closed
// after the answer.
func (c *conn) skipBody() bool {
	if !c.arrived() {
		return false
	}
	c.rest, c.body = c.rest[c.body.length:], framing{}
	return true
}

// bodyReader reads what follows the head, and enforces the pace.
type bodyReader struct {
	conn   *conn
	got    int // bytes in this window
	until  time.Time
	failed error // error of the connection; fasthttp's errors do not wrap it
}

// begin starts the first window, and sends 100 Continue to a client that waits for it.
func (r *bodyReader) begin() error {
	if r.conn.arrived() {
		return nil
	}
	if r.conn.body.waits && len(r.conn.rest) == 0 {
		if _, err := io.WriteString(r.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return err
		}
	}
	return r.extend()
}

func (r *bodyReader) extend() error {
	r.got = 0
	next := time.Now().Add(r.conn.conns.bodies.Window)
	if next.After(r.until) {
		next = r.until
	}
	return r.conn.SetReadDeadline(next)
}

func (r *bodyReader) Read(p []byte) (int, error) {
	if n := r.conn.takeRest(p); n > 0 {
		return n, nil
	}
	n, err := r.conn.receive(p)
	if r.got += n; err == nil && r.got >= r.conn.conns.bodies.Bytes {
		err = r.extend()
	}
	r.failed = err
	return n, err
}

func (r *bodyReader) readLength(req *fasthttp.Request, length int) error {
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	req.Header.SetContentLength(length)
	req.SetBodyRaw(body)
	return nil
}

// readChunks has fasthttp decode the chunks, and returns what fasthttp read beyond them to the connection.
func (r *bodyReader) readChunks(req *fasthttp.Request, most int) error {
	in := bufio.NewReaderSize(r, headerBytes)
	req.Header.SetContentLength(-1)
	if err := req.ContinueReadBody(in, most, false); err != nil {
		return err
	}
	behind, _ := in.Peek(in.Buffered())
	r.conn.rest = slices.Concat(bytes.Clone(behind), r.conn.rest)
	return nil
}
