package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/valyala/fasthttp"

	"studysharper/app/httpserver"
	"studysharper/app/metrics"
	"studysharper/app/stream/hub"
)

// Server is one worker's HTTP API. Make it with New, call Serve with a listener, and Drain at the end.
type Server struct {
	o            Options
	app          *fiber.App
	http         *httpserver.Server
	routes       fasthttp.RequestHandler
	patterns     []string      // of all routes
	lists        chan struct{} // has an element for each list being made
	archives     chan struct{} // has an element for each archive being sent
	refusals     logSampler    // of requests refused at capacity
	rejects      logSampler    // of requests refused for their heads
	uploads      atomic.Int64  // waiting for a place
	answering    *turns        // limits the concurrent requests of each address
	refusing     *turns        // paces the refusals to each address
	stopping     atomic.Bool   // Drain has begun
	disk         atomic.Int32  // the disk's state, as last logged
	databaseDown atomic.Bool   // the result of the last probe
	probed       probed        // the result of the last probe
	database     databaseSize  // as of the last scrape
	// lifetime is the context of handlers. Fiber's own context ends when a shutdown begins, and would cancel the work
	// that the shutdown waits for.
	lifetime context.Context
	end      context.CancelFunc
}

// New makes a server with all its routes. It opens and starts nothing.
func New(o Options) *Server {
	s := &Server{o: o, lists: make(chan struct{}, max(1, o.Admission.MaxLists)), archives: make(chan struct{}, maxArchives),
		answering: newTurns(o.Admission.Turns), refusing: newTurns(1)}
	s.refusals.report = func(unlogged int64) {
		s.o.Log.Info("requests refused at capacity, not logged one by one", "requests", unlogged)
	}
	s.rejects.report = func(unlogged int64) {
		s.o.Log.Info("requests refused for their heads, not logged one by one", "requests", unlogged)
	}
	s.lifetime, s.end = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{CaseSensitive: true, ErrorHandler: s.fail})
	s.route()
	s.routes = s.app.Handler()
	o.HTTP.Handler, o.HTTP.Refuse, o.HTTP.Methods = s.routes, s.refuseHead, fiber.DefaultMethods
	o.HTTP.Board, o.HTTP.Own = o.Board, o.Own
	s.http = httpserver.New(o.HTTP)
	return s
}

func (s *Server) route() {
	s.app.Use(s.middleware, s.cors(), refusedHead, s.requireHost, s.requireOrigin, s.roomForConnection)
	top := router{Router: s.app, server: s}
	top.Get("/", s.root)
	top.Get("/admin", s.adminPage)
	top.Get("/assets/:version/:name", s.asset)
	top.Get("/sw.js", s.serviceWorker)
	top.Get("/manifest.webmanifest", s.manifest)
	top.Get("/health", s.health)
	top.Get("/livez", s.livez)
	top.Get("/readyz", s.readyz)
	top.Get("/metrics", s.prometheus)
	top.Get("/openapi.json", s.openapi)
	top.Get("/openapi-3.0.json", s.openapi30)
	top.Get("/docs", s.docsPage)

	s.routeAccount(top.group("/api/account").inTurns())
	s.routeAgents(top.group("/api/ai", s.requireUser, s.requireDisk))
	notes := top.group("/api/notes", s.requireUser, s.requireDisk).inTurns()
	notes.Post("/", s.once(s.createNote))
	notes.Upload("/import", s.claimed(s.importNote))
	notes.Get("/", s.inTurn(s.notes))
	notes.Get("/:note", s.inTurn(s.note))
	notes.Patch("/:note", s.once(s.updateNote))
	notes.Delete("/:note", s.once(s.deleteNote))

	s.routeReview(top)

	top.Post("/mcp", s.requireMCP, s.requireUser, s.mcp)

	admin := top.group("/api/admin", s.requireAdmin)
	admin.Get("/metrics", s.adminMetrics)
	admin.Get("/errors", s.inTurn(s.adminErrors))
	admin.Get("/user-activity/:user", s.inTurn(s.userActivity))
	admin.Delete("/cache", s.claimed(s.clearCache))
	admin.Post("/reload", s.claimed(s.reload))
	admin.Get("/backup", s.backup)

	s.routeFaults(top)
	s.routePublish(top)
}

func (s *Server) routeAgents(ai router) {
	ai.Post("/agent-test", s.roomForRun, s.claimed(s.process))
	ai.Post("/process", s.roomForRun, s.claimed(s.process))
	ai.Post("/process-stream", s.roomForStream, s.claimed(s.processStream))
	ai.Get("/stream/:session", s.stream)
	s.routeAttempts(ai.group("/generated-content"))
	ai = ai.inTurns()
	ai.Get("/runs/:run", s.run)
	ai.Delete("/runs/:run", s.claimed(s.cancelRun))
	ai.Get("/stream-status", s.streamStatus)
	ai.Get("/sessions", s.inTurn(s.sessions))
	ai.Get("/sessions/:session", s.session)
	ai.Delete("/sessions/:session", s.once(s.deleteSession))
	ai.Get("/sessions/:session/messages", s.inTurn(s.messages))
	s.routeLibrary(ai.group("/generated-content"))
	ai.Get("/content-stats/:user", s.contentStats)
	ai.Post("/feedback", s.once(s.feedback))
	ai.Get("/preferences", s.preferences)
	ai.Put("/preferences", s.once(s.savePreferences))
}

func (s *Server) routeLibrary(contents router) {
	contents.Get("/", s.inTurn(s.library))
	contents.Get("/:kind", s.inTurn(s.contents))
	contents.Get("/:kind/:content", s.inTurn(s.content))
	contents.Patch("/:kind/:content", s.once(s.updateContent))
	contents.Delete("/:kind/:content", s.once(s.deleteContent))
	contents.Post("/:kind/:content/items", s.once(s.addItem))
	contents.Patch("/:kind/:content/items/:item", s.once(s.changeItem))
	contents.Delete("/:kind/:content/items/:item", s.once(s.removeItem))
	contents.Get("/:kind/:content/export", s.inTurn(s.exportContent))
	contents.Post("/:kind/:content/merge", s.once(s.mergeContent))
}

func (s *Server) cors() fiber.Handler {
	everyone := slices.Contains(s.o.Origins, "*")
	return cors.New(cors.Config{
		AllowOrigins:     strings.Join(s.o.Origins, ","),
		AllowCredentials: !everyone,
		ExposeHeaders:    "X-Request-ID,X-Cache,Age,Retry-After,RateLimit,RateLimit-Policy,WWW-Authenticate,Location,Idempotent-Replayed,Content-Disposition",
		MaxAge:           600,
	})
}

// Serve answers requests on ln, which it owns, until Drain or Leave; then it returns nil.
func (s *Server) Serve(ln *net.TCPListener) error { return s.http.Serve(ln) }

// Alive reports whether a request that takes the same path as clients' requests is answered. It blocks if they would.
func (s *Server) Alive() bool { return s.http.Answers("/livez") }

// farewell is how long before the end of a stop the remaining runs are cancelled, so that their errors still reach the
// streams and the waiting clients.
const farewell = time.Second

// Drain stops the server: it lets requests, runs and streams in flight finish until ctx ends. It returns when all
// connections are closed, with ctx's error if it had to cut something off.
func (s *Server) Drain(ctx context.Context) error {
	s.stopping.Store(true)
	s.http.EndConnections()
	defer s.end()
	runs, cancel := ahead(ctx, farewell)
	defer cancel()
	err := s.o.Runs.Drain(runs) // until then, probes are answered and report the stop
	err = errors.Join(err, within(ctx, s.o.Streams.End()))
	return errors.Join(err, s.http.Shutdown(ctx))
}

// ahead derives a context that ends earlier than ctx, but has at least three quarters of its remaining time.
func ahead(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	end, bounded := ctx.Deadline()
	if !bounded {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-min(by, time.Until(end)/4)))
}

// Leave prepares for a recycle: the server stops accepting, passes idle connections and event streams to over as they
// become free, and returns when the requests and runs in flight are finished, or when ctx ends.
func (s *Server) Leave(ctx context.Context, over hub.HandOver) error {
	defer s.end()
	s.http.StopAccepting()
	streamless := s.o.Streams.Leave(over)
	err := s.http.Leave(ctx, func(fd int) error { return over(fd, nil) })
	err = errors.Join(err, s.o.Runs.Drain(ctx))
	return errors.Join(err, within(ctx, streamless))
}

// within waits for done. If ctx ends first, it returns ctx's error.
func within(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Adopt serves an idle connection of a worker that is leaving. It owns tcp.
func (s *Server) Adopt(tcp *net.TCPConn) { s.http.Adopt(tcp) }

// Publish writes the start times of the oldest stream and the oldest request to the worker's scoreboard entry.
func (s *Server) Publish(p *metrics.Entry) {
	p.Set(metrics.OldestStream, s.o.Streams.Oldest())
	p.Set(metrics.OldestStart, s.http.OldestRequest())
}

// AdoptStream serves an event stream of a worker that is leaving, from its descriptor, which it owns, and its state.
func (s *Server) AdoptStream(fd int, from json.RawMessage) error {
	if err := s.o.Streams.Resume(fd, from); err != nil {
		return errors.Join(err, syscall.Close(fd))
	}
	return nil
}
