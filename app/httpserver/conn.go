package httpserver

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// longAgo is a deadline in the past: it ends a blocked read without consuming a byte from the kernel's buffer.
var longAgo = time.Unix(1, 0)

// conn is a client's connection. It tracks whether a request is being read or answered. If the worker is leaving and
// the connection is idle, the next read hands the connection over and reports to fasthttp that the client has closed
// it.
type conn struct {
	*net.TCPConn
	conns *connections

	// Used only by the serving goroutine.
	head    headScan
	rest    []byte  // read from the client beyond the head
	body    framing // of the request being answered, unless its body has been read
	request uint64  // its number in connections.requests
	bounded bool    // boundKernel was called

	streamUntil time.Time // when StreamAnswer's answer must be sent; zero = the answer is not streamed

	held atomic.Int64 // bytes of transit

	crowded bool      // above Room.Conns: it is closed after one answer
	until   time.Time // deadline for closing a crowded connection

	mu       sync.Mutex
	lingers  time.Duration // see leaveUnread
	idle     bool          // between requests: nothing of the next one has been read
	leaving  bool          // to be handed over when idle
	woken    bool          // the kernel's deadline is longAgo instead of deadline
	deadline time.Time     // read deadline set by fasthttp
}

// Read returns the head of a request to fasthttp, and nothing beyond it.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.rest) > 0 {
		return c.takeRest(p[:c.head.end(c.rest[:min(len(p), len(c.rest))])]), nil
	}
	n, err := c.receive(p)
	end := c.head.end(p[:n])
	if end < n {
		c.rest = bytes.Clone(p[end:n])
	}
	return end, err
}

// takeRest copies bytes that have already been read.
func (c *conn) takeRest(p []byte) int {
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil // an idle connection must not retain buffers
	}
	return n
}

// receive reads from the client. If the worker is leaving and the connection is idle, it returns io.EOF.
func (c *conn) receive(p []byte) (int, error) {
	for {
		n, err := c.TCPConn.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		switch c.deadlinePassed() {
		case readOn:
		case leave:
			if c.conns.handOver(c) {
				return 0, io.EOF
			}
		case tooLate:
			return 0, err
		}
	}
}

// What to do when a deadline has passed.
const (
	readOn = iota
	leave
	tooLate
)

func (c *conn) deadlinePassed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.woken && c.idle && c.leaving:
		return leave
	case c.woken:
		c.woken = false
		_ = c.TCPConn.SetReadDeadline(c.deadline)
		return readOn
	default:
		return tooLate
	}
}

// SetReadDeadline is called by fasthttp. While the connection is being woken, the deadline takes effect later.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crowded && t.After(c.until) {
		t = c.until
	}
	c.deadline = t
	if c.woken && c.idle {
		return nil
	}
	return c.TCPConn.SetReadDeadline(t)
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Close closes the connection gracefully if the client may still be sending.
func (c *conn) Close() error {
	c.release()
	c.linger()
	c.conns.remove(c)
	return c.TCPConn.Close()
}

// markActive records that a request has begun.
func (c *conn) markActive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = false
	if c.woken {
		c.woken = false
		_ = c.TCPConn.SetReadDeadline(c.deadline)
	}
}

// markIdle records that a request has been answered.
func (c *conn) markIdle() {
	c.release()
	c.streamUntil = time.Time{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = true
	c.wake()
}

func (c *conn) setLeaving(leaving bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = leaving
	c.wake()
}

// wake ends the read of an idle connection if the worker is leaving. The caller holds the lock.
func (c *conn) wake() {
	if c.leaving && c.idle {
		c.woken = true
		_ = c.TCPConn.SetReadDeadline(longAgo)
	}
}

// crowd marks a newly accepted connection as beyond Room.Conns.
func (c *conn) crowd() {
	c.crowded, c.until = true, time.Now().Add(crowdedFor)
	c.conns.crowded.Add(1)
}
