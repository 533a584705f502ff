package httpserver

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"studysharper/app/metrics"
)

const (
	// Pauses after an accept that failed because descriptors or memory ran out.
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
	// How long a worker with more connections than its sibling lets the sibling accept first.
	yieldStep = time.Millisecond
	yieldMost = 20 * yieldStep
	// freshFor is the maximum age of a sibling's heartbeat for this worker to wait for it.
	freshFor = 3 * time.Second
	// crowdedFor is how long a connection beyond Room.Conns may take to send its request and read the answer.
	crowdedFor = 2 * time.Second
)

// Room is the number of connections that a process's descriptors allow. A worker shares it with its predecessor, which
// hands all its connections over. Conns 0 = unlimited.
type Room struct {
	Conns   int // open connections, with event streams; further ones get one answer and are closed
	Streams int // of those, event streams
	Spare   int // connections beyond Conns that are accepted at a time; others wait
}

// RoomForStream reports whether the open event streams of the worker and its predecessor fit into Room.Streams.
func (s *Server) RoomForStream() bool {
	room, slot := s.o.Room, s.o.Own.Gauge(metrics.Slot)
	return room.Conns == 0 || s.o.Board.SumOfSlot(slot, metrics.Streams) <= int64(room.Streams)
}

// Crowded reports whether a request came on a connection beyond Room.Conns. Such a connection must be closed after the
// answer.
func Crowded(ctx *fasthttp.RequestCtx) bool {
	c, ok := ctx.Conn().(*conn)
	return ok && c.crowded
}

// listener accepts connections. It retries if accepting fails temporarily (EMFILE), which would end fasthttp's server,
// and leaves new connections to a sibling on the same socket that has clearly fewer.
type listener struct {
	*net.TCPListener
	conns *connections
	board *metrics.Board
	room  Room
	shut  atomic.Bool   // Close has been called
	ended chan struct{} // closed when Accept has returned io.EOF, which happens once
}

// Accept returns the next connection, or io.EOF after the listener has been closed.
func (l *listener) Accept() (net.Conn, error) {
	for pause := acceptPause; ; pause = min(2*pause, acceptPauseMax) {
		l.yield()
		l.awaitSpare()
		tcp, err := l.AcceptTCP()
		switch {
		case err == nil:
			c := l.conns.add(tcp)
			if !l.hasRoom() {
				c.crowd()
			}
			return c, nil
		case errors.Is(err, net.ErrClosed):
			close(l.ended)
			return nil, io.EOF
		}
		time.Sleep(pause)
	}
}

// Close makes Accept return. It is idempotent.
func (l *listener) Close() error {
	l.shut.Store(true)
	if err := l.TCPListener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// hasRoom reports whether the connections of the worker and its predecessor fit into Room.Conns.
func (l *listener) hasRoom() bool {
	slot := l.conns.own.Gauge(metrics.Slot)
	return l.room.Conns == 0 || l.board.SumOfSlot(slot, metrics.Connections, metrics.Streams) <= int64(l.room.Conns)
}

// yield waits while a sibling should accept first. The wait is bounded, because a sibling that does not accept after
// all must not keep clients waiting.
func (l *listener) yield() {
	for waited := time.Duration(0); waited < yieldMost && l.heavier(); waited += yieldStep {
		time.Sleep(yieldStep)
	}
}

// awaitSpare waits while all descriptors for refusing connections are in use. Meanwhile new connections wait in the
// kernel, for up to crowdedFor.
func (l *listener) awaitSpare() {
	for l.room.Conns > 0 && l.conns.crowded.Load() >= int64(l.room.Spare) && !l.shut.Load() {
		time.Sleep(yieldStep)
	}
}

// heavier reports whether this worker has clearly more connections and streams than another worker that is ready and
// alive: by more than two, and by more than a tenth.
func (l *listener) heavier() bool {
	own := connectionLoad(l.conns.own)
	for i := 1; i <= metrics.MaxWorkers; i++ {
		p := l.board.Worker(i)
		if p == l.conns.own || metrics.State(p.Gauge(metrics.StateOf)) != metrics.Ready {
			continue
		}
		theirs := connectionLoad(p)
		fresh := metrics.Monotonic()-p.Gauge(metrics.Heartbeat) < int64(freshFor)
		if fresh && own > theirs+2+theirs/10 {
			return true
		}
	}
	return false
}

func connectionLoad(p *metrics.Entry) int64 {
	return p.Gauge(metrics.Connections) + p.Gauge(metrics.Streams)
}
