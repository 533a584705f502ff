// Package httpserver serves HTTP/1.1 on connections that can outlive the process: it accepts them, parses request heads
// strictly, limits the memory of bodies and answers, detects clients that disconnect, detaches connections for event
// streams, and hands idle connections over to a successor. fasthttp gets the head of a request and nothing beyond it,
// so everything that the head decides is answered before a body is read. The package handles connections and requests,
// but not their meaning, which is the task of app/httpapi.
package httpserver

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"studysharper/app/metrics"
)

// Limits that no setting changes.
const (
	readTimeout   = 30 * time.Second // for a request's head, first byte to last; see bodyPace and answerPace for the rest
	idleTimeout   = 75 * time.Second // of a kept-alive connection between requests
	headerBytes   = 8 << 10          // request line and headers; more is answered with 431. A connection with a request needs a buffer of this size
	idleGoroutine = time.Second      // how long a goroutine waits for its next connection: after a flood, memory is freed 3 s later
	maxConns      = 16 << 10         // open connections of a worker, with streams
	lingerFor     = 5 * time.Second  // for connections that no successor could accept
	lingerPoll    = 50 * time.Millisecond
)

// Options configure a Server. Zero durations and sizes mean their defaults.
type Options struct {
	// Handler answers requests. It must not panic.
	Handler fasthttp.RequestHandler
	// Refuse answers a request whose head is refused, with status. Its method and headers may be missing or wrong. The
	// server then closes the connection.
	Refuse func(ctx *fasthttp.RequestCtx, status int)
	// Methods are the methods that Handler supports; others are refused with 501.
	Methods []string

	MaxBodyBytes int   // of a request's body; a longer one is answered with 413
	TransitBytes int64 // memory for bodies being received and answers being sent, per worker
	Room         Room
	Bodies       Pace // default: 1 kB/s, up to two minutes
	Answers      Pace // default: 10 kB in 30 s, up to two minutes

	Board *metrics.Board
	Own   *metrics.Entry // this worker's entry
}

// Server serves one worker's connections. Make it with New, call Serve with a listener, and end it with Shutdown or
// Leave.
type Server struct {
	o       Options
	fast    fasthttp.Server
	conns   *connections
	closing atomic.Bool         // EndConnections was called
	asked   fasthttp.RequestCtx // of Answers

	mu       sync.Mutex
	listener *listener // set by Serve
	closed   bool      // no more connections are accepted
}

// New makes a server. It opens and starts nothing.
func New(o Options) *Server {
	s := &Server{o: o, conns: newConns(o)}
	s.fast = fasthttp.Server{
		Handler:               s.serve,
		ErrorHandler:          s.refuseUnreadable,
		ConnState:             onState,
		HeaderReceived:        takeHead,
		MaxRequestBodySize:    o.MaxBodyBytes,
		ReadBufferSize:        headerBytes,
		ReadTimeout:           readTimeout,
		WriteTimeout:          s.conns.answers.Window,
		IdleTimeout:           idleTimeout,
		MaxIdleWorkerDuration: idleGoroutine,
		Concurrency:           maxConns,

		ReduceMemoryUsage:            true, // a connection between requests must not retain buffers; see docs/decisions.md
		DisablePreParseMultipartForm: true, // forms are not accepted
		KeepHijackedConns:            true,
		CloseOnShutdown:              true,
		NoDefaultServerHeader:        true,
		SecureErrorLogMessage:        true, // otherwise its errors quote the request
		Logger:                       silent{},
	}
	return s
}

// silent discards fasthttp's own log lines: there is one for each connection that a client misuses.
type silent struct{}

func (silent) Printf(string, ...any) {}

// Serve answers requests on ln, which it owns, until Shutdown, Leave or StopAccepting; then it returns nil.
func (s *Server) Serve(ln *net.TCPListener) error { return s.fast.Serve(s.listenAt(ln)) }

func (s *Server) listenAt(ln *net.TCPListener) net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = &listener{TCPListener: ln, conns: s.conns, board: s.o.Board, room: s.o.Room, ended: make(chan struct{})}
	if s.closed {
		_ = ln.Close()
	}
	return s.listener
}

// Adopt serves an idle connection of a worker that is leaving. It owns tcp.
func (s *Server) Adopt(tcp *net.TCPConn) {
	c := s.conns.add(tcp)
	go func() { _ = s.fast.ServeConn(c) }()
}

// Answers reports whether a GET of path, made by the server itself, is answered with 200. It takes the same path as
// clients' requests and blocks where they would. It reuses its request's memory, so only one goroutine may call it at a
// time: otherwise the garbage of heartbeats would dominate an idle worker's heap.
func (s *Server) Answers(path string) bool {
	ctx := &s.asked
	ctx.Request.Reset()
	ctx.Response.Reset()
	ctx.ResetUserValues()
	ctx.Request.Header.SetMethod(fasthttp.MethodGet)
	ctx.Request.SetRequestURI(path)
	s.serve(ctx)
	return ctx.Response.StatusCode() == fasthttp.StatusOK
}

// OldestRequest returns when the oldest request in flight began, in metrics.Monotonic nanoseconds; 0 = none is in
// flight. The time in which a request waits for its body does not count.
func (s *Server) OldestRequest() int64 { return s.conns.requests.oldest() }

// InTransit returns how many of Options.TransitBytes are in use.
func (s *Server) InTransit() int64 { return s.conns.transit.used.Load() }

// StopAccepting makes the server accept no more connections, even if Serve has not been called yet. When it returns,
// every accepted connection is registered.
func (s *Server) StopAccepting() {
	s.mu.Lock()
	s.closed = true
	l := s.listener
	s.mu.Unlock()
	if l != nil {
		_ = l.Close()
		<-l.ended
	}
}

// EndConnections makes each connection close after its next answer.
func (s *Server) EndConnections() {
	s.closing.Store(true)
	s.conns.ending.Store(true)
}

// Shutdown stops accepting. It returns when all connections are closed, or ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.StopAccepting()
	return s.fast.ShutdownWithContext(ctx)
}

// HandOver passes a client's connection to another process. The caller closes fd afterwards; if the other process has
// accepted the connection, the client notices nothing.
type HandOver func(fd int) error

// Leave stops accepting, hands over each open connection when it is idle, and returns when none is left, or ctx's
// error. If one cannot be handed over, the remaining connections are answered once more, for up to 5 s.
func (s *Server) Leave(ctx context.Context, over HandOver) error {
	s.StopAccepting()
	empty := s.conns.leave(over)
	poll := time.NewTicker(lingerPoll)
	defer poll.Stop()
	for lingered := time.Duration(0); lingered < lingerFor; {
		select {
		case <-empty:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-poll.C:
			if s.conns.lingering() {
				lingered += lingerPoll
			}
		}
	}
	return s.fast.ShutdownWithContext(ctx)
}
