package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"studysharper/app/study"
)

// framing is what a head says of the body behind it.
type framing struct {
	length int  // -1 = in chunks, 0 = there is none
	goOn   bool // the client waits for 100 Continue before it sends it
}

// pace is how fast a body has to come, or an answer has to be taken.
type pace struct {
	bytes   int           // in every window
	window  time.Duration //
	longest time.Duration // for all of it
}

// bodyPace is 1 kB/s. answerPace has a longer window: a reader's side tells ours in steps of half its buffer what it
// has taken.
var (
	bodyPace   = pace{bytes: 10_000, window: 10 * time.Second, longest: 2 * time.Minute}
	answerPace = pace{bytes: 10_000, window: 30 * time.Second, longest: 2 * time.Minute}
)

// takeHead keeps fasthttp from reading the body: it is called between the two.
func takeHead(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if length := h.ContentLength(); length > 0 || length == -1 {
		h.SetContentLength(0) // the announced length is in the raw headers, where guard finds it
	}
	if len(h.PeekBytes(expect)) > 0 {
		h.DelBytes(expect)
	}
	return fasthttp.RequestConfig{}
}

// readBody stands before the handler of every route: what was to be refused for its head, its route, its method or
// its user has been. The body is read here, for the handler to find it where fasthttp would have put it.
func (s *Server) readBody(c *fiber.Ctx) error {
	client, ok := c.Context().Conn().(*conn)
	if !ok || client.body.length == 0 {
		return c.Next()
	}
	switch {
	case !plainBody(c):
		c.Set(fiber.HeaderAcceptEncoding, "identity")
		return study.Errorf(study.CodeUnsupported, "send the body without Content-Encoding")
	case client.body.length > s.o.MaxBodyBytes:
		return fiber.ErrRequestEntityTooLarge
	case client.arrived():
	case !client.hold(reservation(client.body, s.o.MaxBodyBytes)):
		return study.Errorf(study.CodeOverloaded, "too many requests are being received")
	}
	s.inFlight.end(client.request) // a slow client is not a stuck worker
	err := client.readBody(c.Request(), s.o.MaxBodyBytes)
	s.inFlight.resume(client.request)
	if err != nil {
		return err
	}
	return c.Next()
}

// reservation is what a body may take. Chunks say how much they are at their end only, and the buffer that they
// outgrow is there beside the next.
func reservation(body framing, most int) int {
	if body.length < 0 {
		return 2 * most
	}
	return body.length
}

// plainBody reports whether the body is encoded in no way; "identity" says just that.
func plainBody(c *fiber.Ctx) bool {
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderContentEncoding) {
		for coding := range strings.SplitSeq(string(line), ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return false
			}
		}
	}
	return true
}

// arrived reports whether the whole body has come with the head.
func (c *conn) arrived() bool { return c.body.length >= 0 && c.body.length <= len(c.rest) }

// readBody reads the body into req. Its error is a *fiber.Error, after which the connection has to be closed.
func (c *conn) readBody(req *fasthttp.Request, most int) error {
	body := &bodyReader{conn: c, until: time.Now().Add(c.conns.bodies.longest)}
	if err := body.begin(); err != nil {
		return bodyError(err)
	}
	var err error
	if c.body.length < 0 {
		err = body.readChunks(req, most)
	} else {
		err = body.readLength(req, c.body.length)
	}
	if err != nil {
		return bodyError(errors.Join(err, body.failed))
	}
	c.body = framing{}
	return nil
}

func bodyError(err error) error {
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return fiber.ErrRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fiber.ErrRequestTimeout
	default:
		return fiber.NewError(http.StatusBadRequest)
	}
}

// skipBody drops a body that nobody read, if it has come; false: the connection has to end with this answer.
func (c *conn) skipBody() bool {
	if !c.arrived() {
		return false
	}
	c.rest, c.body = c.rest[c.body.length:], framing{}
	return true
}

// dropBody gives back the memory of a body that has been parsed.
func dropBody(c *fiber.Ctx) {
	c.Request().ResetBody()
	if client, ok := c.Context().Conn().(*conn); ok {
		client.release()
	}
}

// bodyReader reads what stands behind the head, and holds the client to a pace.
type bodyReader struct {
	conn   *conn
	got    int // bytes in this window
	until  time.Time
	failed error // of the connection: fasthttp's own errors do not wrap it
}

// begin starts the first window, and has a client that waits for it send its body.
func (r *bodyReader) begin() error {
	if r.conn.arrived() {
		return nil
	}
	if r.conn.body.goOn && len(r.conn.rest) == 0 {
		if _, err := io.WriteString(r.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return err
		}
	}
	return r.extend()
}

func (r *bodyReader) extend() error {
	r.got = 0
	next := time.Now().Add(r.conn.conns.bodies.window)
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
	if r.got += n; err == nil && r.got >= r.conn.conns.bodies.bytes {
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

// readChunks has fasthttp read them, and puts back what it has read too much.
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
