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
	// A worker that holds more than its sibling lets it accept first, for so long.
	yieldStep = time.Millisecond
	yieldMost = 20 * yieldStep
	// freshFor is how old a sibling's heartbeat may be for this worker to wait for it.
	freshFor = 3 * time.Second
	// crowdedFor is how long a connection above Room.Conns may take to send its request, and to read the answer.
	crowdedFor = 2 * time.Second
)

// Room is what the descriptors of a process leave for clients. A worker shares it with the one that it replaces, which
// hands over all it has. Conns 0 = without a bound.
type Room struct {
	Conns   int // open connections, event streams included; those above it are answered once and closed
	Streams int // of those, event streams
	Spare   int // connections above Conns that are accepted at a time; others wait
}

// RoomForStream reports whether the open event streams of the worker and its predecessor fit into Room.Streams.
func (s *Server) RoomForStream() bool {
	room, slot := s.o.Room, s.o.Own.Gauge(metrics.Slot)
	return room.Conns == 0 || s.o.Board.SumOfSlot(slot, metrics.Streams) <= int64(room.Streams)
}

// Crowded reports whether a request came on a connection above Room.Conns. It must be closed after the answer.
func Crowded(ctx *fasthttp.RequestCtx) bool {
	c, ok := ctx.Conn().(*conn)
	return ok && c.crowded
}

// listener accepts connections. It continues where accepting fails for a while (EMFILE), which would end fasthttp's
// server, and leaves new connections to a sibling on the same socket that has clearly fewer.
type listener struct {
	*net.TCPListener
	conns *connections
	board *metrics.Board
	room  Room
	shut  atomic.Bool   // Close has begun
	ended chan struct{} // closed when Accept has returned io.EOF, which it does once
}

// Accept gives the next connection, or io.EOF once the listener is closed.
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

// Close makes Accept end. It is idempotent.
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

// yield waits while a sibling should accept first. The wait is bounded: a sibling that does not accept after all must
// not keep clients waiting.
func (l *listener) yield() {
	for waited := time.Duration(0); waited < yieldMost && l.heavier(); waited += yieldStep {
		time.Sleep(yieldStep)
	}
}

// awaitSpare waits while all descriptors for refusing connections are in use. A new connection waits in the kernel
// meanwhile, for crowdedFor at most.
func (l *listener) awaitSpare() {
	for l.room.Conns > 0 && l.conns.crowded.Load() >= int64(l.room.Spare) && !l.shut.Load() {
		time.Sleep(yieldStep)
	}
}

// heavier reports whether this worker holds clearly more connections and streams than another that is ready and alive:
// by more than two, and by more than a tenth.
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
