package httpapi

import (
	"context"
	"log/slog"
	"net/netip"

	"studysharper/app/agent"
	"studysharper/app/limit"
	"studysharper/app/memory"
	"studysharper/app/metrics"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/stream/hub"
	"studysharper/app/study"
)

// Runs answers agent requests: *runner.Runner, or a test's.
type Runs interface {
	Do(context.Context, study.Request) (agent.Outcome, []study.Progress, error)
	Start(r study.Request, ended func()) (runID string, err error)
	RejectIfFull() error // not nil: there is no room for another run
	Drain(context.Context) error
}

// Tokens tell whose a bearer token is: *auth.Verifier, or a test's.
type Tokens interface {
	// User gives the user's id. Errors are *study.Error and hold nothing of the token.
	User(ctx context.Context, token string) (string, error)
}

// Room is what the descriptors of a process leave for clients: of a worker and the one that it replaces, which gives it
// all it has. Conns 0 = without a bound.
type Room struct {
	Conns   int // open connections, event streams included; above it they are answered 503 and closed
	Streams int // of those, event streams; above it 503
	Spare   int // connections above Conns that are accepted to be answered so; others wait
}

// Options are a server's settings and its neighbours.
type Options struct {
	Version       string
	Environment   string
	AdminToken    string // "" = the admin endpoints answer 403
	Origins       []string
	MaxBodyBytes  int
	TransitBytes  int64 // of this worker: bodies being received and answers being sent
	MaxLists      int   // that this worker makes at a time; at least one
	MaxStreams    int   // over all workers
	Room          Room
	CacheBackend  string
	CacheMaxItems int   // a worker
	CacheMaxBytes int64 // a worker
	Provider      string

	Tokens  Tokens         // nil = no user authentication
	Limits  []limit.Policy // of process-stream, for each client; none = no limit
	Counter limit.Counter  // counts for them and for wrong admin tokens; may be nil without Limits
	// ClientRuns and ClientStreams count what each client holds, over all workers; nil = without a limit.
	ClientRuns, ClientStreams *limit.Places
	Proxies                   []netip.Prefix // whose X-Forwarded-For is believed
	Gate                      limit.Gate     // counts the streams of all instances
	// Degraded names the components that go on without the other instances for now.
	Degraded func() []string
	Runs     Runs
	Store    store.Store
	Journal  stream.Journal
	Streams  *hub.Hub // serves the event streams; tells the board's own page of their number
	Board    *metrics.Board
	Own      *metrics.Entry // this worker's
	Cgroup   memory.Cgroup
	// ClearCaches empties the caches of every worker of the keys that hold pattern.
	ClearCaches func(pattern string) error
	// ModelOpen reports whether the circuit breaker of the model asked first is open; nil = never.
	ModelOpen func() bool
	// Refresh brings this worker's page of the board up to date; called after each answer.
	Refresh func()
	// Due tells that this worker has answered as many requests as it may; called once.
	Due func()
	// Reload replaces every worker.
	Reload func() error
	Log    *slog.Logger

	bodies, answers pace // a test's; else bodyPace and answerPace
}
