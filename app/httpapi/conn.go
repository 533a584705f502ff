package httpapi

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"studysharper/app/metrics"
	"studysharper/app/stream/hub"
)

// handOver gives a client's connection to the worker's successor.
type handOver = hub.HandOver

// longAgo is a deadline that has passed: it wakes a blocked read, and lets no byte
// out of the kernel's buffer (see net.Conn).
var longAgo = time.Unix(1, 0)

// conn is a client's connection as the server sees it. It knows whether a request
// is being read or answered; while none is, and the worker leaves, the next read
// hands the connection over instead and tells the server that the client is gone.
type conn struct {
	*net.TCPConn
	conns *connections

	// The serving goroutine's own.
	head    headScan
	rest    []byte  // what has been read and stands behind the head
	body    framing // of the request being answered, unless it has been read
	request uint64  // that request's number in inFlight
	bounded bool    // see boundKernel

	held atomic.Int64 // bytes of transit

	crowded bool      // there is no room for it: see Server.roomForConnection
	until   time.Time // when it is closed, if so

	mu       sync.Mutex
	lingers  time.Duration // see leaveUnread
	idle     bool          // between requests: nothing of the next one has been read
	leaving  bool          // to be handed over when idle
	woken    bool          // the deadline that stands is longAgo, not the server's
	deadline time.Time     // for reading, as the server set it
}

// Read reads heads for the server, see headScan.
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

// takeRest reads what has been read already.
func (c *conn) takeRest(p []byte) int {
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil // an idle connection keeps no buffers
	}
	return n
}

// receive reads from the client. Idle time that is over is the end of the connection.
func (c *conn) receive(p []byte) (int, error) {
	for {
		n, err := c.TCPConn.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		switch c.wokenUp() {
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

// What to do about a deadline that has passed.
const (
	readOn = iota
	leave
	tooLate
)

func (c *conn) wokenUp() int {
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

// SetReadDeadline is the server's; it waits while the connection is being woken.
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

// Close closes this process's end, in order where the client may still be sending.
func (c *conn) Close() error {
	c.release()
	c.linger()
	c.conns.remove(c)
	return c.TCPConn.Close()
}

// active notes that a request has begun.
func (c *conn) active() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = false
	if c.woken {
		c.woken = false
		_ = c.TCPConn.SetReadDeadline(c.deadline)
	}
}

// markIdle notes that a request has been answered.
func (c *conn) markIdle() {
	c.release()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = true
	c.wake()
}

// wake gets an idle connection that is to leave out of its read. The lock is held.
func (c *conn) wake() {
	if c.leaving && c.idle {
		c.woken = true
		_ = c.TCPConn.SetReadDeadline(longAgo)
	}
}

func (c *conn) setLeaving(leaving bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = leaving
	c.wake()
}

// connections are a worker's open connections, event streams left out.
type connections struct {
	own     *metrics.Entry
	bodies  pace
	answers pace
	transit transit
	lingers atomic.Int64 // connections being closed in order
	ending  atomic.Bool  // the worker waits for its connections to end

	crowded atomic.Int64 // of those open, how many there is no room for

	mu      sync.Mutex
	open    map[*conn]struct{}
	over    handOver      // not nil: the worker leaves, and gives them so
	refused bool          // the successor could not take one
	empty   chan struct{} // not nil: closed when none is open
}

func newConns(own *metrics.Entry) *connections {
	return &connections{own: own, bodies: bodyPace, answers: answerPace, open: map[*conn]struct{}{}}
}

// add takes a connection in, which has sent nothing yet that was read.
func (s *connections) add(tcp *net.TCPConn) *conn {
	c := &conn{TCPConn: tcp, conns: s, idle: true}
	s.mu.Lock()
	s.open[c] = struct{}{}
	leaving := s.over != nil && !s.refused
	s.mu.Unlock()
	s.own.Shift(metrics.Connections, 1)
	if leaving {
		c.setLeaving(true)
	}
	return c
}

// crowd marks a connection that has just been accepted as one that there is no room for.
func (c *conn) crowd() {
	c.crowded, c.until = true, time.Now().Add(crowdedFor)
	c.conns.crowded.Add(1)
}

// remove forgets a connection that is closed, or that has become an event stream.
func (s *connections) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.open[c]; !ok {
		return
	}
	delete(s.open, c)
	if c.crowded {
		s.crowded.Add(-1)
	}
	s.own.Shift(metrics.Connections, -1)
	if s.empty != nil && len(s.open) == 0 {
		close(s.empty)
		s.empty = nil
	}
}

// leave begins to hand connections over, each when it is idle, and gives a channel
// that is closed when none is left.
func (s *connections) leave(over handOver) <-chan struct{} {
	s.ending.Store(true)
	s.mu.Lock()
	empty := make(chan struct{})
	s.over, s.empty = over, empty
	list := slices.Collect(maps.Keys(s.open))
	if len(list) == 0 {
		close(empty)
		s.empty = nil
	}
	s.mu.Unlock()
	for _, c := range list {
		c.setLeaving(true)
	}
	return empty
}

// handOver gives one connection away. Where that fails, all that are left linger:
// each is served on, and gets its next answer with `Connection: close`.
func (s *connections) handOver(c *conn) bool {
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if withDescriptor(c.TCPConn, func(fd int) error { return over(fd, nil) }) == nil {
		return true
	}
	s.mu.Lock()
	s.refused = true
	list := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, other := range list {
		other.setLeaving(false)
	}
	return false
}

// lingering reports whether the worker leaves and cannot hand connections over.
func (s *connections) lingering() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// onState keeps what is known of a connection in step with the server (see
// fasthttp.Server.ConnState).
func onState(nc net.Conn, state fasthttp.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch state {
	case fasthttp.StateActive:
		c.active()
	case fasthttp.StateIdle:
		c.markIdle()
	case fasthttp.StateHijacked:
		c.release()
		c.conns.remove(c)
	}
}
