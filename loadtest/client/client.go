package client

import (
	"context"
	"time"
)

// graceOfIdle is added to twice the time that connecting took: if a kept connection breaks within that time after a
// request was sent, the server had closed it before the request arrived.
const graceOfIdle = 5 * time.Millisecond

// Answer is a complete answer. Body is overwritten by the client's next request.
type Answer struct {
	Status int
	Body   []byte
	Cached bool // X-Cache: HIT
	Retry  string
}

// Client sends requests over one connection at a time, from one goroutine. It connects when necessary, and reconnects
// when the previous connection cannot be used any more. The zero value with a Target is ready to use. Close it.
type Client struct {
	Target *Target

	conn    *Conn
	ctx     context.Context
	release func() bool
	grace   time.Duration
}

// Do sends a request and reads its answer, within timeout in total. Its errors are Kinds; a status other than 200 is an
// error too, and its answer is returned with it. The end of ctx closes the connection.
func (c *Client) Do(ctx context.Context, request Request, timeout time.Duration) (Answer, error) {
	if err := c.connect(ctx); err != nil {
		return Answer{}, err
	}
	c.conn.timeout = timeout
	began := time.Now()
	response, err := c.conn.exchange(request.bytes, func(Head) error { return nil })
	if err != nil {
		kind := c.kindOf(err, time.Since(began))
		c.Close()
		return Answer{}, kind
	}
	if request.closed || !c.conn.Usable() {
		c.Close()
	}
	a := Answer{Status: response.Status, Body: response.Body, Cached: response.Cached, Retry: response.RetryAfter}
	if a.Status != 200 {
		return a, StatusKind(a.Status)
	}
	return a, nil
}

// connect opens a connection unless one is open.
func (c *Client) connect(ctx context.Context) error {
	if c.conn != nil && c.ctx == ctx {
		return nil
	}
	c.Close()
	began := time.Now()
	conn, err := c.Target.dial(ctx)
	if err != nil {
		return lost(dialFailure(ctx, err))
	}
	c.conn, c.ctx, c.grace = newConn(conn, 0), ctx, 2*time.Since(began)+graceOfIdle
	c.release = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return nil
}

// lost returns the kind of failure of a connection that was lost while the server worked on a request.
func lost(kind Kind) Kind {
	if kind == Reset || kind == Closed || kind == Cut {
		return ResetInFlight
	}
	return kind
}

// kindOf classifies the failure of a request that took this long.
func (c *Client) kindOf(err error, took time.Duration) Kind {
	kind := KindOf(err)
	unread := kind == Closed || kind == Reset && !c.conn.answering
	switch {
	case c.ctx.Err() != nil:
		return Canceled
	case unread && c.conn.nth > 1 && took <= c.grace:
		return ResetIdle
	case kind == Mixed:
		return Malformed
	}
	return lost(kind)
}

// Close closes the connection. The next request opens another one.
func (c *Client) Close() {
	if c.conn == nil {
		return
	}
	c.release()
	c.conn.Close()
	c.conn = nil
}
