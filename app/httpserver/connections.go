package httpserver

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"studysharper/app/metrics"
)

// connections are a worker's open connections, event streams not included.
type connections struct {
	own      *metrics.Entry
	bodies   Pace
	answers  Pace
	requests *inFlight
	transit  transit
	lingers  atomic.Int64 // connections that linger, see conn.linger
	ending   atomic.Bool  // the worker waits for its connections to end
	crowded  atomic.Int64 // open connections above Room.Conns

	mu      sync.Mutex
	open    map[*conn]struct{}
	over    HandOver      // not nil: the worker leaves, and hands them over
	refused bool          // the successor could not take one
	empty   chan struct{} // not nil: closed when none is open
}

func newConns(o Options) *connections {
	return &connections{
		own: o.Own, bodies: cmp.Or(o.Bodies, bodyPace), answers: cmp.Or(o.Answers, answerPace),
		requests: newInFlight(), transit: transit{limit: o.TransitBytes}, open: map[*conn]struct{}{},
	}
}

// add takes a connection in of which nothing has been read.
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

// remove forgets a connection that is closed or detached.
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

// leave begins to hand connections over, each when it is idle. The channel is closed when none is left.
func (s *connections) leave(over HandOver) <-chan struct{} {
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

// handOver gives one connection away. Where that fails, all that are left linger: each is served on, and its next
// answer says `Connection: close`.
func (s *connections) handOver(c *conn) bool {
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if withDescriptor(c.TCPConn, over) == nil {
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

// onState is fasthttp's ConnState.
func onState(nc net.Conn, state fasthttp.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch state {
	case fasthttp.StateActive:
		c.markActive()
	case fasthttp.StateIdle:
		c.markIdle()
	case fasthttp.StateHijacked:
		c.release()
		c.conns.remove(c)
	}
}
