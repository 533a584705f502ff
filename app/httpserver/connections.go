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

// connections are a worker's open connections, without event streams.
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
	over    HandOver      // not nil: the worker is leaving and hands its connections over
	refused bool          // the successor did not accept one
	empty   chan struct{} // not nil: closed when no connection is open
}

func newConns(o Options) *connections {
	return &connections{
		own: o.Own, bodies: cmp.Or(o.Bodies, bodyPace), answers: cmp.Or(o.Answers, answerPace),
		requests: newInFlight(), transit: transit{limit: o.TransitBytes}, open: map[*conn]struct{}{},
	}
}

// add registers a new connection of which nothing has been read.
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

// remove unregisters a connection that is closed or detached.
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

// leave starts to hand connections over as they become idle. The returned channel is closed when none is left.
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

// handOver hands one connection over. If that fails, the remaining connections linger: each is served until its next
// answer, which says `Connection: close`.
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

// lingering reports whether the worker is leaving and cannot hand connections over.
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
