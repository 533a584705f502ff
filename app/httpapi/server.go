package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// The bounds that no setting changes.
const (
	readTimeout = 30 * time.Second // a request's head, first byte to last; see bodyPace and answerPace
	idleTimeout = 75 * time.Second // a kept-alive connection between requests
	headerBytes = 8 << 10          // request line and headers; above it 431. Every connection with a request has so much
	maxConns    = 16 << 10         // open connections a worker, streams included
	lingerFor   = 5 * time.Second  // for connections that no successor could take
	lingerLook  = 50 * time.Millisecond
)

// Server is one worker's HTTP server. Make it with New, Serve it on a listener,
// and Drain it at the end.
type Server struct {
	o            Options
	app          *fiber.App
	handler      fasthttp.RequestHandler // guard, then routes
	routes       fasthttp.RequestHandler
	patterns     []string // of the routes
	conns        *connections
	inFlight     *inFlight
	lists        chan struct{} // has an element for each list being made
	refusals     logSampler    // refusals at capacity
	rejects      logSampler    // for their heads
	stopping     atomic.Bool   // Drain has begun
	databaseDown atomic.Bool   // as the last probe found it
	// lifetime is what handlers work under. Fiber's own context ends when a
	// shutdown begins, and with it the work that the shutdown is to wait for.
	lifetime context.Context
	end      context.CancelFunc

	mu       sync.Mutex
	listener *listener // set by Serve
	closed   bool      // it is to accept no more
}

// New makes a server with all its routes; it opens nothing and starts nothing.
func New(o Options) *Server {
	s := &Server{o: o, conns: newConns(o.Own), inFlight: newInFlight(), lists: make(chan struct{}, max(1, o.MaxLists))}
	s.conns.transit.limit = o.TransitBytes
	s.conns.bodies, s.conns.answers = cmp.Or(o.bodies, bodyPace), cmp.Or(o.answers, answerPace)
	s.refusals.tell = func(untold int64) {
		s.o.Log.Info("requests refused at capacity, not logged one by one", "requests", untold)
	}
	s.rejects.tell = func(untold int64) {
		s.o.Log.Info("requests refused for their heads, not logged one by one", "requests", untold)
	}
	s.lifetime, s.end = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName:               "studysharper",
		DisableStartupMessage: true,
		CaseSensitive:         true,
		BodyLimit:             o.MaxBodyBytes,
		ReadBufferSize:        headerBytes,
		ReduceMemoryUsage:     true, // a connection between requests keeps no buffers; see docs/decisions.md
		ReadTimeout:           readTimeout,
		WriteTimeout:          s.conns.answers.window,
		IdleTimeout:           idleTimeout,
		Concurrency:           maxConns,
		ErrorHandler:          s.fail,

		DisablePreParseMultipartForm: true, // nobody reads forms: their bodies are not JSON
	})
	server := s.app.Server()
	server.KeepHijackedConns = true
	server.SecureErrorLogMessage = true // its errors quote the request otherwise
	server.NoDefaultServerHeader = true
	server.CloseOnShutdown = true
	server.Logger = silent{}
	server.ConnState = onState
	server.HeaderReceived = takeHead
	server.ErrorHandler = s.unreadable
	s.route()
	s.routes = s.app.Handler() // builds the routes: a connection may be adopted before Serve
	s.handler = s.strictRequests(s.routes)
	server.Handler = s.handler
	return s
}

// silent drops fasthttp's own log lines: they name what clients did, once a
// connection, and edge logs every request anyway.
type silent struct{}

func (silent) Printf(string, ...any) {}

func (s *Server) route() {
	s.app.Use(s.middleware, s.cors(), refusedHead, s.roomForConnection)
	top := router{Router: s.app, server: s}
	top.Get("/", s.root)
	top.Get("/admin", s.adminPage)
	top.Get("/assets/:version/:name", s.asset)
	top.Get("/health", s.health)
	top.Get("/livez", s.livez)
	top.Get("/readyz", s.readyz)
	top.Get("/metrics", s.prometheus)
	top.Get("/openapi.json", openapi)

	ai := top.group("/api/ai", s.requireUser)
	ai.Post("/agent-test", s.roomForRun, s.claimed(s.process))
	ai.Post("/process", s.roomForRun, s.claimed(s.process))
	ai.Post("/process-stream", s.roomForStream, s.claimed(s.processStream))
	ai.Get("/stream/:session", s.stream)
	ai.Get("/stream-status", s.streamStatus)
	ai.Get("/sessions", s.inTurn(s.sessions))
	ai.Get("/sessions/:session", s.session)
	ai.Delete("/sessions/:session", s.once(s.deleteSession))
	ai.Get("/sessions/:session/messages", s.inTurn(s.messages))
	ai.Get("/generated-content/:kind", s.inTurn(s.contents))
	ai.Get("/content-stats/:user", s.contentStats)
	ai.Post("/feedback", s.once(s.feedback))
	ai.Get("/preferences", s.preferences)
	ai.Put("/preferences", s.once(s.savePreferences))

	notes := top.group("/api/notes", s.requireUser)
	notes.Post("/", s.once(s.createNote))
	notes.Get("/", s.inTurn(s.notes))
	notes.Get("/:note", s.inTurn(s.note))
	notes.Patch("/:note", s.once(s.updateNote))
	notes.Delete("/:note", s.once(s.deleteNote))

	admin := top.group("/api/admin", s.requireAdmin)
	admin.Get("/metrics", s.adminMetrics)
	admin.Get("/errors", s.inTurn(s.adminErrors))
	admin.Get("/user-activity/:user", s.inTurn(s.userActivity))
	admin.Delete("/cache", s.claimed(s.clearCache))
	admin.Post("/reload", s.claimed(s.reload))

	s.routeFaults(top)
	s.routePublish(top)
}

func (s *Server) cors() fiber.Handler {
	everyone := slices.Contains(s.o.Origins, "*")
	return cors.New(cors.Config{
		AllowOrigins:     strings.Join(s.o.Origins, ","),
		AllowCredentials: !everyone,
		ExposeHeaders:    "X-Request-ID,X-Cache,Age,Retry-After,RateLimit,RateLimit-Policy,WWW-Authenticate,Location,Idempotent-Replayed",
		MaxAge:           600,
	})
}

// Serve answers requests on ln, which it owns, until Drain or Leave; then nil.
func (s *Server) Serve(ln *net.TCPListener) error {
	return s.app.Listener(s.listenAt(ln))
}

func (s *Server) listenAt(ln *net.TCPListener) net.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = &listener{TCPListener: ln, conns: s.conns, board: s.o.Board, room: s.o.Room, ended: make(chan struct{})}
	if s.closed {
		_ = ln.Close()
	}
	return s.listener
}

// Alive answers a request of its own, the way that clients' requests go: it
// blocks where they would.
func (s *Server) Alive() bool {
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod(fiber.MethodGet)
	ctx.Request.SetRequestURI("/livez")
	s.handler(&ctx)
	return ctx.Response.StatusCode() == fiber.StatusOK
}

// farewell is how long before the end of a stop the runs that go on are cancelled:
// their errors have to reach the streams and the clients that wait.
const farewell = time.Second

// Drain is for a stop: it lets requests, runs and streams in flight finish until
// ctx ends, and returns when all connections are closed. The error is ctx's when
// something had to be cut.
func (s *Server) Drain(ctx context.Context) error {
	s.stopping.Store(true)
	s.conns.ending.Store(true)
	defer s.end()
	runs, cancel := ahead(ctx, farewell)
	defer cancel()
	err := s.o.Runs.Drain(runs) // until then probes are answered, and say so
	err = errors.Join(err, within(ctx, s.o.Streams.End()))
	s.closeListener()
	return errors.Join(err, s.app.ShutdownWithContext(ctx))
}

// ahead gives a context that ends so long before ctx does, but has three quarters
// of its time at least.
func ahead(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	end, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(by, time.Until(end)/4)))
}

// Leave is for a recycle: the server accepts no more, gives its idle connections
// and its event streams to over, each as it becomes free, and returns when
// requests and runs in flight are finished too, or ctx ends.
func (s *Server) Leave(ctx context.Context, over handOver) error {
	defer s.end()
	s.closeListener()
	streamless := s.o.Streams.Leave(over)
	err := s.emptied(ctx, s.conns.leave(over))
	err = errors.Join(err, s.o.Runs.Drain(ctx))
	return errors.Join(err, within(ctx, streamless))
}

// within waits for done until ctx ends, which is an error.
func within(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// closeListener makes the server accept no more, also when it has not begun to;
// once it returns, every connection that was accepted is known.
func (s *Server) closeListener() {
	s.mu.Lock()
	s.closed = true
	l := s.listener
	s.mu.Unlock()
	if l != nil {
		_ = l.Close()
		<-l.ended
	}
}

// emptied waits until no connection is left; those that could not be handed over
// get a while to say what they have to say.
func (s *Server) emptied(ctx context.Context, empty <-chan struct{}) error {
	look := time.NewTicker(lingerLook)
	defer look.Stop()
	for lingered := time.Duration(0); lingered < lingerFor; {
		select {
		case <-empty:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
			if s.conns.lingering() {
				lingered += lingerLook
			}
		}
	}
	return s.app.ShutdownWithContext(ctx)
}

// Adopt takes over an idle connection from a leaving worker. It owns tcp.
func (s *Server) Adopt(tcp *net.TCPConn) {
	c := s.conns.add(tcp)
	go func() { _ = s.app.Server().ServeConn(c) }()
}

// AdoptStream takes over an event stream from a leaving worker, by its descriptor, which
// it owns, and by what that worker has written down of it.
func (s *Server) AdoptStream(fd int, from json.RawMessage) error {
	if err := s.o.Streams.Resume(fd, from); err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	return nil
}
