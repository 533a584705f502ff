package httpapi

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"studysharper/app/metrics"
)

const (
	// Pauses after an accept that failed because descriptors or memory ran out.
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
	// A worker that holds more than its sibling lets it accept first, for so long.
	yieldStep = time.Millisecond
	yieldMost = 20 * yieldStep
	// freshFor is how old a sibling's heartbeat may be for it to be waited for.
	freshFor = 3 * time.Second
)

// listener accepts for the server. It goes on where accepting fails for a while
// (EMFILE), which would end the server for good, and leaves a new connection to a
// sibling on the same socket that has clearly fewer.
type listener struct {
	*net.TCPListener
	conns *connections
	board *metrics.Board
	room  Room
	shut  atomic.Bool   // Close has begun
	ended chan struct{} // closed when Accept has given io.EOF, which it does once
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
			if !l.room.forConn(l.board, l.conns.own) {
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

// yield waits while a sibling should accept first. It is bounded: a sibling that
// does not accept after all must not keep clients waiting.
func (l *listener) yield() {
	for waited := time.Duration(0); waited < yieldMost && l.heavier(); waited += yieldStep {
		time.Sleep(yieldStep)
	}
}

// awaitSpare waits while all descriptors for refusing connections are in use. A new connection waits in the kernel
// meanwhile, at most crowdedFor.
func (l *listener) awaitSpare() {
	for l.room.Conns > 0 && l.conns.crowded.Load() >= int64(l.room.Spare) && !l.shut.Load() {
		time.Sleep(yieldStep)
	}
}

// heavier reports whether this worker holds clearly more connections and streams
// than some other that is ready and alive: by more than two, and a tenth.
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
