package httpapi

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"

	"studysharper/app/agent"
	"studysharper/app/metrics"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/study"
)

// The bounds that no setting changes.
const (
	readTimeout  = 30 * time.Second // a whole request, first byte to last
	writeTimeout = 30 * time.Second // a whole response; event streams have their own
	idleTimeout  = 75 * time.Second // a kept-alive connection between requests
	headerBytes  = 16 << 10         // request line and headers; above it 431
	maxConns     = 16 << 10         // open connections a worker, streams included
)

// Runs answers agent requests: *agent.Runner, or a test's.
type Runs interface {
	Do(context.Context, study.Request) (agent.Outcome, []study.Progress, error)
	Start(study.Request) (runID string, err error)
	Drain(context.Context) error
}

// Options are a server's settings and its neighbours.
type Options struct {
	Version       string
	Environment   string
	AdminToken    string // "" = the admin endpoints answer 403
	Origins       []string
	MaxBodyBytes  int
	MaxStreams    int // over all workers
	Keepalive     time.Duration
	StaleAfter    time.Duration
	CacheBackend  string
	CacheMaxItems int   // a worker
	CacheMaxBytes int64 // a worker
	Provider      string
	LimitBytes    int64 // the container's memory, or what is assumed of it

	Runs    Runs
	Store   store.Store
	Journal stream.Journal
	Board   *metrics.Board
	Own     *metrics.Page // this worker's
	Cgroup  metrics.Cgroup
	// ClearCaches empties the caches of every worker of the keys that hold pattern.
	ClearCaches func(pattern string) error
	// Refresh brings this worker's page of the board up to date; called after each answer.
	Refresh func()
	Log     *slog.Logger
}

// Server is one worker's HTTP server. Make it with New, Serve it on a listener,
// and Drain it at the end.
type Server struct {
	o        Options
	app      *fiber.App
	streams  *streams
	draining atomic.Bool
	// lifetime is what handlers work under. Fiber's own context ends when a
	// shutdown begins, and with it the work that the shutdown is to wait for.
	lifetime context.Context
	end      context.CancelFunc
}

// New makes a server with all its routes; it opens nothing and starts nothing.
func New(o Options) *Server {
	s := &Server{o: o, streams: newStreams()}
	s.lifetime, s.end = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName:               "studysharper",
		DisableStartupMessage: true,
		CaseSensitive:         true,
		BodyLimit:             o.MaxBodyBytes,
		ReadBufferSize:        headerBytes,
		ReadTimeout:           readTimeout,
		WriteTimeout:          writeTimeout,
		IdleTimeout:           idleTimeout,
		Concurrency:           maxConns,
		ErrorHandler:          s.fail,
	})
	server := s.app.Server()
	server.KeepHijackedConns = true
	server.SecureErrorLogMessage = true // its errors quote the request otherwise
	server.NoDefaultServerHeader = true
	server.CloseOnShutdown = true
	server.Logger = silent{}
	server.ConnState = connectionCounter(o.Own)
	s.route()
	return s
}

// silent drops fasthttp's own log lines: they name what clients did, once a
// connection, and edge logs every request anyway.
type silent struct{}

func (silent) Printf(string, ...any) {}

func (s *Server) route() {
	s.app.Use(s.edge, s.cors())
	s.app.Get("/", s.root)
	s.app.Get("/health", s.health)
	s.app.Get("/livez", s.livez)
	s.app.Get("/readyz", s.readyz)

	ai := s.app.Group("/api/ai")
	ai.Post("/agent-test", s.process)
	ai.Post("/process", s.process)
	ai.Post("/process-stream", s.processStream)
	ai.Get("/stream/:session", s.stream)
	ai.Get("/stream-status", s.streamStatus)
	ai.Get("/sessions", s.sessions)
	ai.Get("/sessions/:session", s.session)
	ai.Delete("/sessions/:session", s.deleteSession)
	ai.Get("/sessions/:session/messages", s.messages)
	ai.Get("/generated-content/:kind", s.contents)
	ai.Get("/content-stats/:user", s.contentStats)
	ai.Post("/feedback", s.feedback)

	notes := s.app.Group("/api/notes")
	notes.Post("/", s.createNote)
	notes.Get("/", s.notes)
	notes.Get("/:note", s.note)
	notes.Patch("/:note", s.updateNote)
	notes.Delete("/:note", s.deleteNote)

	admin := s.app.Group("/api/admin", s.requireAdmin)
	admin.Get("/metrics", s.adminMetrics)
	admin.Get("/errors", s.adminErrors)
	admin.Get("/user-activity/:user", s.userActivity)
	admin.Delete("/cache", s.clearCache)
}

func (s *Server) cors() fiber.Handler {
	everyone := slices.Contains(s.o.Origins, "*")
	return cors.New(cors.Config{
		AllowOrigins:     strings.Join(s.o.Origins, ","),
		AllowCredentials: !everyone,
		ExposeHeaders:    "X-Request-ID,X-Cache,Age,Retry-After",
		MaxAge:           600,
	})
}

// Serve answers requests on ln until Drain, then returns nil.
func (s *Server) Serve(ln net.Listener) error { return s.app.Listener(ln) }

// Drain stops accepting, lets requests, runs and streams in flight finish until
// ctx ends, and returns when all connections are closed. The error is ctx's when
// something had to be cut.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	defer s.end()
	err := s.o.Runs.Drain(ctx)
	s.streams.end()
	if shut := s.app.ShutdownWithContext(ctx); shut != nil {
		return shut
	}
	return err
}
