package process

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"studysharper/app/agent"
	"studysharper/app/agent/runner"
	"studysharper/app/cache"
	"studysharper/app/cache/contextcache"
	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/httpapi"
	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/llm"
	"studysharper/app/llm/openai"
	"studysharper/app/memory"
	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
	"studysharper/app/store"
	"studysharper/app/stream"
	"studysharper/app/stream/hub"
	"studysharper/app/stream/record"
	"studysharper/app/stream/relay"
	"studysharper/app/study"
	"studysharper/app/supervisor"
	"studysharper/app/text"
)

const (
	maxContexts = 256         // entries in a worker's context cache
	contextTTL  = time.Minute // bounds how long a change stays unnoticed that bumps no version: one made outside the service, or one whose outcome the database did not report

	purgeInterval = 250 * time.Millisecond
)

// parts are the parts of a worker; each enforces its own bounds.
type parts struct {
	cluster.Backends
	store    store.Store
	contexts *contextcache.Cache             // cached parts of prompts
	purger   *contextcache.Debouncer[string] // purges answers made from notes that have changed
	runner   *runner.Runner
	hub      *hub.Hub
	server   *httpapi.Server
	calls    *limit.Runs          // limits on model calls; nil = unlimited
	health   func() openai.Health // of the upstream
	trimmer  memory.HeapTrimmer
}

// assembly builds a worker's parts, in order of dependency.
type assembly struct {
	*parts
	c       config.Config
	b       config.Budget
	files   config.Files
	parent  *supervisor.Parent
	shared  sharedMemory
	version string
	log     *slog.Logger
}

func assemble(c config.Config, b config.Budget, files config.Files, parent *supervisor.Parent, version string, log *slog.Logger) (*parts, error) {
	a := &assembly{parts: &parts{}, c: c, b: b, files: files, parent: parent, version: version, log: log}
	var err error
	if a.shared, err = openShared(parent.Shared, c, b, parent.Page); err != nil {
		return nil, err
	}
	if a.store, err = store.Open(context.Background(), c.DatabaseURL, store.Options{Retention: time.Duration(c.RetentionDays) * 24 * time.Hour,
		QuotaBytes: int64(c.QuotaNotesMB) << 20, QuotaItems: int64(c.QuotaItems)}); err != nil {
		return nil, err
	}
	if err = a.openBackends(); err == nil {
		a.makeRunner()
		err = a.makeServer()
	}
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a.parts, nil
}

// openBackends opens the backends that are shared with other processes, and this process's caches.
func (a *assembly) openBackends() error {
	near, err := cache.NewMemory(cache.MemoryOptions{MaxItems: a.c.CacheMaxItems, MaxBytes: a.b.Cache, TTL: a.c.CacheTTL})
	if err != nil {
		return err
	}
	orphaned := func(o stream.Orphan) { go takeOver(o, a.runner, a.log) } // not called before the journals run
	cancelled := func(run string) { a.runner.Cancel(run, study.ErrRunCancelled) }
	a.Backends = a.local(near, orphaned)
	if a.c.RedisURL != "" {
		if a.Backends, err = overInstances(a.Backends, near, a.c, a.b, orphaned, cancelled, a.log); err != nil {
			return err
		}
	}
	a.contexts = contextcache.NewCache(contextcache.Options{MaxItems: maxContexts, MaxBytes: a.b.Context, TTL: contextTTL})
	a.purger = contextcache.NewPurger(a.Purge, a.PurgeInterval, a.log)
	a.store = contextcache.NewInvalidatingStore(a.store, a.Versions, a.purger)
	return nil
}

// local returns the backends of a container that runs alone.
func (a *assembly) local(answers cache.Cache, orphaned func(stream.Orphan)) cluster.Backends {
	journal := relay.NewClient(a.parent.Relay, relay.Options{MaxReaders: maxReaders(a.c), Orphaned: orphaned})
	held := func(g metrics.Gauge) limit.Gate {
		return limit.Unbounded(func() int64 { return a.parent.Own().Gauge(g) })
	}
	return cluster.Backends{
		Cache: answers, Journal: journal, Limiter: a.shared.limits, Runs: held(metrics.RunsActive), Streams: held(metrics.Streams),
		Versions: newVersions(a.c, a.shared.versions),
		Purge:    a.parent.ClearCaches, PurgeInterval: purgeInterval,
		PurgeOwn:  func(ctx context.Context, pattern string) { answers.Clear(ctx, pattern) },
		CancelRun: a.parent.CancelRun,
		Degraded:  func() []string { return nil },
		Run:       journal.Run,
		Final:     true,
	}
}

// newVersions returns the version counters. Only this container changes a database file; another program may change a
// server's data, and without a cluster no invalidation arrives.
func newVersions(c config.Config, section *shm.Section) *contextcache.Versions {
	versions := contextcache.NewVersions(section)
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		versions.Connect(contextcache.Peers{Reliable: func() bool { return false }})
	}
	return versions
}

// makeRunner makes the model clients, the agents and their runner.
func (a *assembly) makeRunner() {
	text.ObservePanics(countTextPanics(a.parent.Own(), a.log))
	builtIn := a.c.LLMProvider == "offline"
	a.calls = a.newCallLimits()
	m := newModels(a.c, a.parent.Own(), a.parent.Board.UpstreamMemory())
	a.health = m.health
	deps := agent.Deps{Model: m.answers, Judge: m.judge, Cache: a.Cache, Store: store.ForAgents(a.store), Log: a.log,
		Parts: a.contexts, Versions: a.Versions}
	if a.calls != nil {
		deps.Spend = a.calls.Spend
	}
	orchestrator := agent.New(deps, agent.Options{Deterministic: builtIn, Judge: a.c.LLMJudge, MaxCalls: a.c.LLMMaxCalls, ContextTokens: m.context, AnswerTimeout: a.c.WorkerTimeout})
	journal := &agentJournal{Journal: a.Journal}
	a.runner = runner.New(orchestrator, journal, runner.Options{MaxRuns: a.c.MaxRuns, Timeout: a.c.WorkerTimeout, Log: a.log,
		Admit: admission(a.parent, int64(a.c.MaxRuns), a.Runs), Full: atCapacity(a.parent, int64(a.c.MaxRuns)), Observe: metrics.ObserveRuns(a.parent.Own()),
		Record: runRecord{a.store, workerName(int64(a.parent.Slot), int64(a.parent.Generation))}})
	journal.cancel = a.runner.Cancel
}

// newCallLimits returns the limits on the cost of model calls; nil if none are set, or if calls cost nothing.
func (a *assembly) newCallLimits() *limit.Runs {
	c, own := a.c, a.parent.Own()
	policies := limit.Policies(c.RunLimitPerMinute, c.RunLimitPerHour)
	if c.LLMProvider == "offline" || len(policies) == 0 && c.TokensPerDay == 0 && c.TokensPerUser == 0 {
		return nil
	}
	return &limit.Runs{Counter: a.Limiter, Policies: policies, Usage: a.store.Tokens, Tokens: int64(c.TokensPerDay), Own: int64(c.TokensPerUser),
		Refused: func() { own.Add(metrics.RunsLimited, 1) }, Log: a.log}
}

// makeServer makes the HTTP server and what it needs.
func (a *assembly) makeServer() error {
	c, own := a.c, a.parent.Own()
	holdings := a.shared.holdings
	var err error
	reader := record.New(record.Options{Journal: a.Journal, Runs: a.store, Alive: mayWork(a.parent.Board, strings.HasPrefix(c.DatabaseURL, "sqlite:")), Doubtful: a.doubtful()})
	a.hub, err = hub.Open(hub.Options{Journal: reader, Final: a.Final, Keepalive: c.SSEKeepalive, Stale: c.SSEStaleAfter,
		Count: func(n int64) { own.Shift(metrics.Streams, n) },
		Ended: func(place int32) { holdings.Streams.Release(limit.Place(place)) },
		Key:   func(place int32) uint64 { return holdings.Streams.Key(limit.Place(place)) },
		Add:   func(client uint64) int32 { return int32(holdings.Streams.Add(client)) }, Log: a.log})
	if err != nil {
		return err
	}
	who := newIdentities(c, a.shared.keys, a.store, a.Versions, a.log)
	a.server = httpapi.New(httpapi.Options{
		Version: a.version, Environment: c.Environment, Provider: c.LLMProvider, Models: llm.Models(c), AdminToken: c.AdminToken, Origins: c.AllowedOrigins, Hosts: c.AllowedHosts, MCP: c.MCP == "on",
		Cache: httpapi.CacheBounds{Backend: c.CacheBackend, MaxItems: c.CacheMaxItems, MaxBytes: a.b.Cache},
		HTTP: httpserver.Options{MaxBodyBytes: c.MaxBodyKB << 10, TransitBytes: a.b.Transit,
			Room: httpserver.Room{Conns: a.files.Conns, Streams: a.files.Streams, Spare: a.files.Spare}},
		Admission: httpapi.Admission{Limits: limit.Policies(c.RateLimitPerMinute, c.RateLimitPerHour), Counter: a.Limiter,
			Accounts: limit.Policies(0, c.AccountLimit), Stored: limit.Policy{Name: "stored", Quota: c.StoreLimitMB << 20, Window: 24 * time.Hour},
			Calls: a.calls, Runs: holdings.Runs, Streams: holdings.Streams,
			Proxies: c.ProxyNetworks(), Gate: a.Streams, MaxStreams: c.SSEMaxStreams, MaxLists: a.b.Lists(),
			Turns: turns(c)},
		Fleet: fleet{a.parts, a.parent, a.log}, Runs: a.runner, Streams: a.hub, AuthMode: c.AuthMode, Tokens: who.tokens, Tickets: who.tickets, Accounts: who.accounts,
		Disk: store.NewDisk(c.DatabaseURL, int64(c.DiskReserveMB)<<20), Quota: httpapi.Quota{Bytes: int64(c.QuotaNotesMB) << 20, Items: int64(c.QuotaItems)},
		Import: httpapi.Import{Reader: newImporter(c, a.b, holdings.Reading), MaxBytes: int64(c.MaxUploadMB) << 20, Places: holdings.Uploads},
		Store:  a.store, Snapshot: snapshotOf(c), Journal: a.Journal, Record: reader, Board: a.parent.Board, Own: own, Cgroup: memory.OwnCgroup(), Log: a.log,
		ClientMark: a.shared.clientMark(),
	})
	return nil
}

// doubtful returns a function that reports whether the cluster's journal is known not to deliver events; nil if the
// journal is local to the container.
func (a *assembly) doubtful() func() bool {
	if a.Final {
		return nil
	}
	return func() bool { return slices.Contains(a.Degraded(), "events") }
}

// publish copies the parts' figures to the worker's scoreboard entry.
func (p *parts) publish(page *metrics.Entry) {
	p.server.Publish(page)
	runs := p.runner.Counts()
	page.Store(metrics.RunsCompleted, uint64(runs.Completed))
	page.Store(metrics.RunsFailed, uint64(runs.Failed))
	page.Store(metrics.RunsShed, uint64(runs.Shed))
	stats := p.Cache.Stats()
	page.Set(metrics.CacheItems, int64(stats.Items))
	page.Set(metrics.CacheBytes, stats.Bytes)
	page.Set(metrics.CacheOldest, oldestAge(stats))
	page.Store(metrics.CacheHits, stats.Hits)
	page.Store(metrics.CacheMisses, stats.Misses)
	page.Store(metrics.CacheEvictions, stats.Evictions)
	page.Store(metrics.CacheRefused, stats.Refused)
	health := p.health()
	page.Set(metrics.ModelsOpen, int64(health.Open))
	page.Set(metrics.FirstModelOpen, 0)
	if health.FirstOpen {
		page.Set(metrics.FirstModelOpen, 1)
	}
}

func oldestAge(stats cache.Stats) int64 {
	if stats.Items == 0 {
		return 0
	}
	return time.Now().Add(-stats.OldestAge).UnixNano()
}

// admission returns a function that admits a run if the container then runs no more than most, and gate, which counts
// the runs of all instances, agrees.
func admission(parent *supervisor.Parent, most int64, gate limit.Gate) func() (release func(), ok bool) {
	own := parent.Own()
	release := func() { own.Shift(metrics.RunsActive, -1) }
	take := func() bool {
		own.Shift(metrics.RunsActive, 1)
		if parent.Board.Sum(metrics.RunsActive) > most {
			release()
			return false
		}
		return true
	}
	return func() (func(), bool) { return release, gate.Admit(context.Background(), take) }
}

// atCapacity reports whether the container has no room for another run. Other instances' runs are counted at admission
// only, because that needs a round trip.
func atCapacity(parent *supervisor.Parent, most int64) func() bool {
	return func() bool { return parent.Board.Sum(metrics.RunsActive) >= most }
}

// fleet implements httpapi.Fleet: the container as seen from this worker.
type fleet struct {
	*parts
	parent *supervisor.Parent
	log    *slog.Logger
}

// Degraded implements httpapi.Fleet.
func (f fleet) Degraded() []string {
	components := f.Backends.Degraded()
	h := f.health()
	if h.FirstOpen || h.FirstRefusing || f.parent.Board.Sum(metrics.FirstModelOpen) > 0 { // any worker's
		components = append(components, "llm")
	}
	return components
}

// ClearCaches implements httpapi.Fleet. It also invalidates the context caches.
func (f fleet) ClearCaches(pattern string) error {
	f.Versions.BumpAll()()
	return f.Purge(pattern)
}

// Refresh implements httpapi.Fleet.
func (f fleet) Refresh() { f.publish(f.parent.Own()) }

// QuotaReached implements httpapi.Fleet.
func (f fleet) QuotaReached() {
	if err := f.parent.QuotaReached(); err != nil && !errors.Is(err, net.ErrClosed) { // ErrClosed: this worker closed the socket as it stopped
		f.log.Warn("control socket write failed", "error", err)
	}
}

// CancelRun implements httpapi.Fleet.
func (f fleet) CancelRun(run string) error { return f.Backends.CancelRun(run) }

// Reload implements httpapi.Fleet.
func (f fleet) Reload() error { return f.parent.Reload() }
