// Package httpserver serves HTTP/1.1 on connections that outlive the process: it accepts them, reads strict request
// heads, bounds bodies and answers by a budget, notices clients that disconnect, detaches connections for event
// streams, and hands idle connections to a successor. Its main idea: fasthttp is given the head of a request and
// nothing behind it, so everything the head decides is answered before a body is read.
// It knows connections and requests, but not what they are about; app/httpapi does.
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

// Bounds that no setting changes.
const (
	readTimeout   = 30 * time.Second // a request's head, first byte to last; see bodyPace and answerPace
	idleTimeout   = 75 * time.Second // a kept-alive connection between requests
	headerBytes   = 8 << 10          // request line and headers; above it 431. A connection with a request holds as much
	idleGoroutine = time.Second      // that a goroutine waits for a next connection: after a flood, memory is given back 3 s later
	maxConns      = 16 << 10         // open connections of a worker, streams included
	lingerFor     = 5 * time.Second  // for connections that no successor could take
	lingerPoll    = 50 * time.Millisecond
)

// Options configure a Server. Durations and sizes that are zero take their defaults.
type Options struct {
	// Handler answers requests. It must not panic.
	Handler fasthttp.RequestHandler
	// Refuse answers a request whose head is refused, with status. Its method and headers may be missing or wrong. The
	// server then closes the connection.
	Refuse func(ctx *fasthttp.RequestCtx, status int)
	// Methods are those that Handler knows; any other is refused with 501.
	Methods []string

	MaxBodyBytes int   // a request's body; above it 413
	TransitBytes int64 // bodies being received and answers being sent, of this worker
	Room         Room
	Bodies       Pace // default: 1 kB/s, two minutes at most
	Answers      Pace // default: 10 kB in 30 s, two minutes at most

	Board *metrics.Board
	Own   *metrics.Entry // this worker's
}

// Server serves one worker's connections. Make it with New, serve a listener, and end with Shutdown or Leave.
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

// New makes a server; it opens nothing and starts nothing.
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

		ReduceMemoryUsage:            true, // a connection between requests keeps no buffers; see docs/decisions.md
		DisablePreParseMultipartForm: true, // forms are not accepted
		KeepHijackedConns:            true,
		CloseOnShutdown:              true,
		NoDefaultServerHeader:        true,
		SecureErrorLogMessage:        true, // otherwise its errors quote the request
		Logger:                       silent{},
	}
	return s
}

// silent drops fasthttp's own log lines: one for each connection, about what the client did.
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

// Adopt serves an idle connection of a worker that leaves. It owns tcp.
func (s *Server) Adopt(tcp *net.TCPConn) {
	c := s.conns.add(tcp)
	go func() { _ = s.fast.ServeConn(c) }()
}

// Answers reports whether a GET of path, made by the server itself, is answered with 200. It takes the path of clients'
// requests and blocks where they would. One goroutine may call it at a time: it asks with the same memory again, since a
// heartbeat's garbage would be what an idle worker holds.
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

// OldestRequest is when the oldest request in flight began, in metrics.Monotonic nanoseconds; 0 = none is in flight.
// The time that a request waits for its body does not count.
func (s *Server) OldestRequest() int64 { return s.conns.requests.oldest() }

// InTransit is how many bytes of Options.TransitBytes are in use.
func (s *Server) InTransit() int64 { return s.conns.transit.used.Load() }

// StopAccepting makes the server accept no more connections, also when it has not begun to. Once it returns, every
// connection that was accepted is known.
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

// EndConnections makes each connection end with its next answer.
func (s *Server) EndConnections() {
	s.closing.Store(true)
	s.conns.ending.Store(true)
}

// Shutdown accepts no more connections and returns when all are closed, or with ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.StopAccepting()
	return s.fast.ShutdownWithContext(ctx)
}

// HandOver gives a client's connection to another process. The caller closes fd afterwards; where the other process has
// taken it, the client does not notice.
type HandOver func(fd int) error

// Leave accepts no more connections, hands each of those open over when it is idle, and returns when none is left, or
// with ctx's error. Where one cannot be handed over, those that are left are answered once more, for 5 s at most.
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
