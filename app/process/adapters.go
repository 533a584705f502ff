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

// agentJournal adapts a journal to the agents' interface. It cancels a run whose journal is lost (for example because
// its session was deleted), because nobody can read its events. A silent run continues: its client waits for the answer
// itself.
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

// runRecord adapts the store to runner.Record.
type runRecord struct {
	store.Store
	worker string // this process's name, unique among all processes that use the store
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

// workerName returns the name of one of this instance's processes, for the record of runs.
func workerName(slot, generation int64) string {
	return fmt.Sprintf("%s/%d.%d", os.Getenv(instanceVar), slot, generation)
}

// mayWork reports whether a run's worker may still be working on it. Only one instance at a time uses a database file;
// other instances that share a database server are judged by when they last recorded that the run is alive.
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

// takeOver reruns a dead worker's run, unless a sibling has already started to. A prompt never reaches the log.
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
	// A sibling reruns it, or it is no longer needed.
	default:
		log.Warn("not rerunning a dead worker's request (this worker is full or stopping)", "run", o.Run, "error", err)
	}
}

// identities are what verifies users: all nil with AUTH_MODE=none.
type identities struct {
	tokens   httpapi.Tokens
	tickets  httpapi.Tickets
	accounts httpapi.Accounts
}

// newIdentities returns what the settings ask for.
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

// importWait bounds how long a file waits to be read; see also child.Reader.
const importWait = 30 * time.Second

// newImporter returns a reader that reads one file at a time in the whole container (reading holds the one place), when
// there is memory for the process that does it. Waiting and reading together take less than WORKER_TIMEOUT; otherwise
// the worker would be killed.
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

// snapshotOf returns a function that copies the database file; nil if the database is not a file.
func snapshotOf(c config.Config) func(context.Context) (io.ReadCloser, error) {
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		return nil
	}
	return func(ctx context.Context) (io.ReadCloser, error) {
		return store.Snapshot(ctx, c.DatabaseURL, int64(c.DiskReserveMB)<<20)
	}
}

// turns is the number of requests from one address that a worker answers at a time: its share of the processors, and
// eight times that with a database server, where a request spends most of its time waiting.
func turns(c config.Config) int {
	n := max(1, runtime.GOMAXPROCS(0)/c.Workers)
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		n *= 8
	}
	return n
}

// countTextPanics returns a function that counts panics on students' texts, and logs the first one at each place in the
// code.
func countTextPanics(own *metrics.Entry, log *slog.Logger) func(text.Panic) {
	var logged sync.Map // by place in the code; there are few
	return func(p text.Panic) {
		own.Add(metrics.TextPanics, 1)
		if _, known := logged.LoadOrStore(p.Place, true); !known {
			log.Error("panic on a student's text: the sentence is left out", "type", p.Type, "place", p.Place)
		}
	}
}
