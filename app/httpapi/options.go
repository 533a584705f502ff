package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"

	"studysharper/app/agent"
	"studysharper/app/auth"
	"studysharper/app/httpserver"
	"studysharper/app/memory"
	"studysharper/app/metrics"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/stream/hub"
	"studysharper/app/study"
)

// Fleet is the container that this worker belongs to, with its other workers and instances.
type Fleet interface {
	// Degraded names the components that the service currently works without: "llm", "cache", "events", "rate_limiting".
	Degraded() []string
	// ClearCaches removes the keys that contain pattern from the caches of all workers.
	ClearCaches(pattern string) error
	// Refresh updates this worker's entry on the scoreboard; it is called after each answer.
	Refresh()
	// QuotaReached reports that this worker has answered its quota of requests; it is called once.
	QuotaReached()
	// Reload replaces every worker.
	Reload() error
	// CancelRun broadcasts the cancellation of a run to the workers. It does not wait for it.
	CancelRun(run string) error
}

// Runs answers agent requests.
type Runs interface {
	Do(context.Context, study.Request) (agent.Outcome, []study.Progress, error)
	// Start starts a run; ended is called when the run ends, unless Start returns an error.
	Start(r study.Request, ended func()) (runID string, err error)
	Cached(context.Context, study.Request) bool // the answer needs no model call
	RejectIfFull() error                        // not nil: there is no room for another run
	// Grade asks the model which short answers are right. The result contains the items that the model judged.
	Grade(ctx context.Context, r study.Request, answers []study.OpenAnswer) (right map[string]bool, model string, err error)
	Drain(context.Context) error
}

// Record is the journal, backed by the record of runs; see record.Journal.
type Record interface {
	stream.Journal
	// Settle returns a run's actual state: a run that no worker executes any more has failed.
	Settle(context.Context, study.Run) study.Run
}

// Streams serves open event streams; see hub.Hub.
type Streams interface {
	Reserve()
	Release()
	Serve(hub.Stream)
	Resume(fd int, from json.RawMessage) error
	Leave(hub.HandOver) (empty <-chan struct{})
	End() (empty <-chan struct{})
	Oldest() int64
}

// Tokens verifies bearer tokens: those of an issuer, or of accounts.
type Tokens interface {
	// User returns the id of a token's user. Errors are *study.Error and contain nothing of the token.
	User(ctx context.Context, token string) (string, error)
	Healthy() bool // false while the issuer's keys cannot be fetched
}

// Tickets lets an EventSource, which cannot send headers, open one session's stream for ten minutes.
type Tickets interface {
	Issue(ctx context.Context, session, user string) (string, error)
	Open(ctx context.Context, ticket, session string) (user string, ok bool, err error)
}

// Accounts creates and opens accounts; see auth.Accounts. Errors are *study.Error and contain nothing of a code or
// cookie.
type Accounts interface {
	Create(ctx context.Context) (user, code string, err error)
	RenewCode(ctx context.Context, user string) (code string, err error)
	Open(ctx context.Context, user, device string) (auth.SignedIn, error)
	Cookie(ctx context.Context, cookie string) (auth.SignedIn, error)
}

// CacheBounds are the limits of a worker's answer cache, for the admin metrics.
type CacheBounds struct {
	Backend  string
	MaxItems int
	MaxBytes int64
}

// Quota limits the stored data of a user; 0 = unlimited.
type Quota struct {
	Bytes int64 `json:"bytes"` // of notes and everything else
	Items int64 `json:"items"` // notes, study aids and conversations
}

// Options are a server's settings and dependencies.
type Options struct {
	Version     string
	Environment string
	Provider    string   // of the model
	Models      []string // the configured models, in the order of metrics.UsedBy
	AdminToken  string   // "" = the admin endpoints answer 403
	Origins     []string // origins that browsers may call from; "*" = any
	Hosts       []string // hosts that are served, with or without a port; empty = any
	MCP         bool     // /mcp is served
	Cache       CacheBounds
	Admission   Admission
	HTTP        httpserver.Options // its limits; New sets the rest

	Fleet    Fleet
	Runs     Runs
	Streams  Streams
	AuthMode string   // none, jwt or account
	Tokens   Tokens   // nil = no user authentication
	Tickets  Tickets  // nil = stream_url contains no ticket
	Accounts Accounts // nil = this service has no accounts of its own
	Disk     Disk     // nil = it is not monitored
	Quota    Quota    // per user
	Import   Import
	Store    store.Store
	Snapshot func(context.Context) (io.ReadCloser, error) // returns a copy of the database; nil = it is not a file
	Journal  stream.Journal
	Record   Record
	Board    *metrics.Board
	Own      *metrics.Entry // this worker's entry
	Cgroup   memory.Cgroup
	Log      *slog.Logger

	// ClientMark returns the pseudonym of a client's address in the log; nil = clients are not logged.
	ClientMark func(address string) string
}
