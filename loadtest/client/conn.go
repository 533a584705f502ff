package client

import (
	"bufio"
	"context"
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// MaxAnswer is the longest body of an answer, in bytes.
	MaxAnswer = 16 << 20

	readBuffer = 8 << 10 // and so the longest head of an answer
	// graceOfIdle is added to twice the time that connecting took: when a kept
	// connection breaks sooner than that behind a request, the server had closed it
	// before the request came.
	graceOfIdle = 5 * time.Millisecond
)

// Answer is a whole answer. Body and Cached are the connection's until its next Do.
type Answer struct {
	Status int
	Body   []byte
	Cached bool // X-Cache: HIT
	Retry  string
}

// Conn is a client of one connection at a time, for one goroutine: it is made when it
// is needed, and again when the one before is of no use any more. The zero value with
// a Target is ready. Close it.
type Conn struct {
	Target *Target

	wire   *wire
	r      *bufio.Reader
	answer fasthttp.Response
}

// wire is a connection that remembers how reading went: the parser above it does not
// tell an end from a reset.
type wire struct {
	net.Conn
	ctx     context.Context
	release func() bool
	grace   time.Duration
	carried int // requests
	read    int // bytes since the last request was sent
	first   [len(version)]byte
	failed  error
}

const version = "HTTP/1."

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.read < len(w.first) {
		copy(w.first[w.read:], p[:n])
	}
	w.read += n
	if err != nil {
		w.failed = err
	}
	return n, err
}

// Do sends a request and reads its answer, within timeout in all. Its errors are
// Kinds: an answer with another status than 200 is one, and is given too. When ctx
// ends, the connection does.
func (c *Conn) Do(ctx context.Context, request Request, timeout time.Duration) (Answer, error) {
	if err := c.connect(ctx); err != nil {
		return Answer{}, err
	}
	c.wire.read = 0
	began := time.Now()
	err := c.wire.SetDeadline(began.Add(timeout))
	if err == nil {
		_, err = c.wire.Write(request.bytes)
	}
	// A server that answers early and closes makes the write fail: what it said counts.
	if err == nil || c.wire.carried == 0 {
		if again := c.receive(); err == nil || again == nil {
			err = again
		}
	}
	if err != nil {
		kind := c.kindOf(ctx, err, time.Since(began))
		c.Close()
		return Answer{}, kind
	}
	c.wire.carried++
	left := c.r.Buffered()
	if request.closed || c.answer.ConnectionClose() || left > 0 || c.wire.failed != nil {
		c.Close()
	}
	return c.judge(left)
}

// judge makes an Answer of what was received.
func (c *Conn) judge(left int) (Answer, error) {
	if left > 0 {
		return Answer{}, Malformed
	}
	h := &c.answer.Header
	a := Answer{Status: h.StatusCode(), Body: c.answer.Body(),
		Cached: string(h.Peek("X-Cache")) == "HIT", Retry: string(h.Peek("Retry-After"))}
	if a.Status != fasthttp.StatusOK {
		return a, StatusKind(a.Status)
	}
	return a, nil
}

func (c *Conn) receive() error {
	return c.answer.ReadLimitBody(c.r, MaxAnswer)
}

// connect sees to it that there is a connection.
func (c *Conn) connect(ctx context.Context) error {
	if c.wire != nil && c.wire.ctx == ctx {
		return nil
	}
	c.Close()
	began := time.Now()
	conn, err := c.Target.dial(ctx)
	if err != nil {
		return dialFailure(ctx, err)
	}
	c.wire = &wire{Conn: conn, ctx: ctx, grace: 2*time.Since(began) + graceOfIdle}
	c.wire.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if c.r == nil {
		c.r = bufio.NewReaderSize(c.wire, readBuffer)
	} else {
		c.r.Reset(c.wire)
	}
	return nil
}

// kindOf sorts what went wrong with a connection.
func (c *Conn) kindOf(ctx context.Context, err error, took time.Duration) Kind {
	w := c.wire
	cause := err
	if w.failed != nil {
		cause = w.failed
	}
	network, isNet := errors.AsType[net.Error](cause)
	switch begun := min(w.read, len(version)); {
	case ctx.Err() != nil:
		return Canceled
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return TooLong
	case isNet && network.Timeout():
		return Timeout
	case w.failed == nil && !isNet: // all that was read could be read, and was no answer
		return Malformed
	case string(w.first[:begun]) != version[:begun]: // a server that hangs up, but not in the middle of an answer
		return Malformed
	case w.read == 0 && w.carried > 0 && took <= w.grace:
		return ResetIdle
	default:
		return ResetInFlight
	}
}

// Close ends the connection there is. Do makes another one.
func (c *Conn) Close() {
	if c.wire == nil {
		return
	}
	c.wire.release()
	_ = c.wire.Close()
	c.wire = nil
}
