package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"studysharper/app/agent/runner"
	"studysharper/app/auth"
	"studysharper/app/cache/contextcache"
	"studysharper/app/config"
	"studysharper/app/extract/child"
	"studysharper/app/httpapi"
	"studysharper/app/limit"
	"studysharper/app/memory"
	"studysharper/app/metrics"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/study"
	"studysharper/app/text"
)

// agentJournal adapts a journal to the agents' interface. A run whose journal is lost, because its session was
// deleted for example, is cancelled, since nobody can read its events. A silent run continues: its client waits for
// the answer itself.
type agentJournal struct {
	stream.Journal
	cancel func(run string, why *study.Error) bool
}

// Begin opens a run's journal.
func (j *agentJournal) Begin(ctx context.Context, r runner.Run) (runner.Writer, error) {
	info := stream.RunInfo{Session: r.Session, Run: r.ID, Owner: r.Owner, Request: r.Request, Takeover: r.Takeover, Silent: r.Silent}
	if !r.Silent {
		info.OnLost = func(err error) { go j.cancel(r.ID, study.Errorf(study.CodeUnavailable, "the run was cancelled")) }
	}
	return j.Journal.Begin(ctx, info)
}

// runRecord is the store as the runner wants it.
type runRecord struct {
	store.Store
	worker string // the name of this process among all that use the store
}

// BeginRun implements runner.Record.
func (r runRecord) BeginRun(ctx context.Context, run study.Run, s study.Session, msgs ...study.Message) error {
	run.Worker = r.worker
	return r.Store.BeginRun(ctx, run, s, msgs...)
}

// KeepRunsAlive implements runner.Record.
func (r runRecord) KeepRunsAlive(ctx context.Context, ids ...string) ([]string, error) {
	return r.Store.KeepRunsAlive(ctx, r.worker, ids...)
}

// workerName names a process of this instance in the record of runs.
func workerName(slot, generation int64) string {
	return fmt.Sprintf("%s/%d.%d", os.Getenv(instanceVar), slot, generation)
}

// mayWork reports whether the worker of a run may still be at work on it. A database file is used by one
// instance at a time; on a server, another instance is known by what it records.
func mayWork(board *metrics.Board, file bool) func(study.Run) bool {
	return func(r study.Run) bool {
		if time.Since(r.AliveAt) > 5*runner.AliveEvery {
			return false
		}
		instance, _, _ := strings.Cut(r.Worker, "/")
		if instance != os.Getenv(instanceVar) {
			return !file
		}
		return slices.ContainsFunc(board.Snapshot().Workers, func(w metrics.Reading) bool {
			return r.Worker == workerName(w.Gauge(metrics.Slot), w.Gauge(metrics.Generation))
		})
	}
}

// takeOver reruns a dead worker's run, unless a sibling has already begun it. It returns when
// the run no longer needs the request. A prompt never reaches the log.
func takeOver(o stream.Orphan, runs *runner.Runner, log *slog.Logger) {
	req, err := runner.DecodeRequest(o.Request)
	if err == nil {
		err = runs.Takeover(req, o.Run)
	}
	var e *study.Error
	switch {
	case err == nil:
		log.Info("rerunning a request: its worker died", "run", o.Run)
	case errors.As(err, &e) && e.Code == study.CodeNotFound:
		// A sibling has it, or nobody needs it any more.
	default:
		log.Warn("not rerunning a dead worker's request (this worker is full or stopping)", "run", o.Run, "error", err)
	}
}

// identities tell who users are, by the settings.
type identities struct {
	tokens   httpapi.Tokens
	tickets  httpapi.Tickets
	accounts httpapi.Accounts
}

// newIdentities makes them; all nil where users are not verified.
func newIdentities(c config.Config, keys *auth.KeyStore, s store.Store, versions *contextcache.Versions, log *slog.Logger) (i identities) {
	if c.AuthMode == config.AuthNone {
		return i
	}
	signer := auth.NewSigner(s)
	i.tickets = auth.NewTickets(signer)
	accepted := auth.Accepted{Issuer: c.JWTIssuer, Audience: c.JWTAudience}
	switch {
	case c.AuthMode == config.AuthAccount:
		version := func(user string) (uint64, bool) { return versions.Number(user, contextcache.AccountPart) }
		accounts := auth.NewAccounts(s, signer, version)
		i.tokens, i.accounts = accounts, accounts
	case c.JWTSecret != "":
		i.tokens = auth.NewSecret(c.JWTSecret, accepted)
	default:
		i.tokens = auth.NewKeySet(auth.KeySetOptions{URL: c.JWTJWKSURL, Store: keys, Log: log}, accepted)
	}
	return i
}

// importWait is how long a file waits to be read; see also child.Reader.
const importWait = 30 * time.Second

// newImporter reads files one at a time in the container, which reading counts, while there is room for the process that does
// it. All of it takes less than WORKER_TIMEOUT, or the worker would be ended for it.
func newImporter(c config.Config, b config.Budget, reading *limit.Places) *child.Reader {
	cgroup := memory.OwnCgroup()
	return &child.Reader{
		Turn: func() (release func(), ok bool) {
			place, err := reading.Take("reading")
			return func() { reading.Release(place) }, err == nil
		},
		Room: func() int64 {
			usage, err := cgroup.Memory()
			if err != nil || usage.LimitBytes == 0 {
				return b.Import
			}
			return usage.LimitBytes - b.Kernel/2 - usage.Container()
		},
		Wait:  min(importWait, c.WorkerTimeout/4),
		Time:  c.WorkerTimeout / 2,
		Order: child.Order{MaxPages: c.MaxUploadPage, PDF: child.FindPDFReader(), Memory: b.Import},
	}
}

// snapshotOf copies the database file; nil where there is none.
func snapshotOf(c config.Config) func(context.Context) (io.ReadCloser, error) {
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		return nil
	}
	return func(ctx context.Context) (io.ReadCloser, error) {
		return store.Snapshot(ctx, c.DatabaseURL, int64(c.DiskReserveMB)<<20)
	}
}

// turns is how many requests of one address a worker answers at a time: as many as it has processors to itself, and eight
// times as many where most of a request's time is spent waiting for a database server.
func turns(c config.Config) int {
	n := max(1, runtime.GOMAXPROCS(0)/c.Workers)
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		n *= 8
	}
	return n
}

// countTextPanics returns a function that counts the panics on students' texts, and logs the first one at each place in
// the code.
func countTextPanics(own *metrics.Entry, log *slog.Logger) func(text.Panic) {
	var logged sync.Map // by place in our code, of which there are few
	return func(p text.Panic) {
		own.Add(metrics.TextPanics, 1)
		if _, known := logged.LoadOrStore(p.Place, true); !known {
			log.Error("panic on a student's text: the sentence is left out", "type", p.Type, "place", p.Place)
		}
	}
}
