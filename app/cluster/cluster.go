// Package cluster connects a container with other instances through Redis, in which they share
// answers, journals, limits and cache invalidations. The one idea: Open wraps the backends of a
// single container in backends with the same interface for all instances, which fall back to the
// container's own while Redis does not answer. No other package uses Redis.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	memory "studysharper/app/cache"
	"studysharper/app/cache/contextcache"
	"studysharper/app/cluster/bus"
	"studysharper/app/cluster/cache"
	"studysharper/app/cluster/conn"
	"studysharper/app/cluster/failover"
	"studysharper/app/cluster/gate"
	"studysharper/app/cluster/journal"
	"studysharper/app/config"
	"studysharper/app/stream"
)

const (
	// maxJournalBytes limits all journals in Redis to half of the smallest Redis that
	// docker-compose.yml and render.yaml request. It must be the same in every instance.
	maxJournalBytes = 64 << 20

	// purgeInterval is long because a purge makes Redis scan all of its keys.
	purgeInterval = 5 * time.Second
)

// Options are what Open needs besides the backends of the container.
type Options struct {
	Config   config.Config
	Budget   config.Budget
	Instance string // this container's name, shared by all its workers
	Log      *slog.Logger

	// The bounds of the shared journal, the same as of the container's own.
	MaxReaders, MaxRuns int
	Orphaned            func(stream.Orphan) // see relay.Options
	Cancelled           func(run string)    // cancels a run, if it is one of this process
}

// Open returns backends shared by all instances through Config.RedisURL. From then on,
// local must only be used through them. near is local's cache. Open does not connect; Run
// does.
func Open(local Backends, near *memory.Memory, o Options) (Backends, error) {
	c, b := o.Config, local
	redis, err := conn.New(c.RedisURL, conn.Options{Name: fmt.Sprintf("studysharper-%d", os.Getpid()), Log: o.Log})
	if err != nil {
		return local, err
	}
	runs := gate.New(redis, "runs", c.TotalRuns, local.Runs.Total)
	streams := gate.New(redis, "streams", c.TotalStreams, local.Streams.Total)
	shared, both := newJournal(redis, local.Journal, o)
	b.Runs, b.Streams, b.Limiter = runs, streams, gate.NewCounter(redis, local.Limiter)
	b.Journal, b.Final = both, false
	b.CancelRun = func(run string) error {
		return errors.Join(local.CancelRun(run), shared.Cancel(context.Background(), run))
	}
	b.Degraded = func() []string { return degraded(redis, func() bool { return false }) }
	tasks := []func(context.Context) error{local.Run, local.Versions.Run, runs.Run, streams.Run, shared.Run, both.Run}
	if !strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		invalidations := bus.New(redis, o.Instance, local.Versions)
		local.Versions.Connect(contextcache.Peers{Announce: invalidations.Announce, Reliable: invalidations.Reliable})
		tasks = append(tasks, invalidations.Run)
	}
	if c.CacheBackend != "memory" {
		runCache, err := b.shareCache(near, redis, o)
		if err != nil {
			return local, err
		}
		tasks = append(tasks, runCache)
	}
	b.Run = func(ctx context.Context) error { return run(ctx, redis, tasks) }
	return b, nil
}

// shareCache stores the answers in Redis, and if so configured also in near.
func (b *Backends) shareCache(near *memory.Memory, redis *conn.Conn, o Options) (run func(context.Context) error, err error) {
	far, err := cache.NewRedis(redis, cache.RedisOptions{TTL: o.Config.CacheTTL})
	if err != nil {
		return nil, err
	}
	if o.Config.CacheBackend == "redis" {
		b.Cache = far
		b.PurgeOwn = func(ctx context.Context, pattern string) { far.Clear(ctx, pattern) }
		return func(context.Context) error { return nil }, nil
	}
	tiered, err := cache.NewTiered(near, far, cache.TieredOptions{MaxLookups: o.Budget.Lookups(), QueueBytes: o.Budget.Queue(), Log: o.Log})
	if err != nil {
		return nil, err
	}
	purgeContainer := b.Purge
	b.Cache, b.PurgeInterval = tiered, purgeInterval
	b.PurgeOwn = func(_ context.Context, pattern string) { tiered.ClearLocal(pattern) }
	b.Purge = func(pattern string) error {
		tiered.Clear(context.Background(), pattern)
		return purgeContainer(pattern) // works without Redis too
	}
	b.Degraded = func() []string { return degraded(redis, tiered.Degraded) }
	return tiered.Run, nil
}

func newJournal(redis *conn.Conn, local stream.Keeper, o Options) (*journal.Journal, *failover.Journal) {
	c := o.Config
	shared := journal.New(redis, journal.Options{
		MaxEvents: c.SSEQueueSize, StaleAfter: c.SSEStaleAfter, MaxReaders: o.MaxReaders, MaxRuns: o.MaxRuns,
		MaxSessions: 2 * c.SSEMaxStreams, MaxBytes: maxJournalBytes, MaxQueueBytes: o.Budget.Unsent(), Orphaned: o.Orphaned, Cancelled: o.Cancelled, Log: o.Log})
	both := failover.New(failover.Options{Shared: shared, Local: local, Up: redis.Writable})
	redis.Returned(both.Returned)
	return shared, both
}

// run runs the tasks until ctx ends. The connection ends after them, because some send more
// when they end.
func run(ctx context.Context, redis *conn.Conn, tasks []func(context.Context) error) error {
	connected, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	closed := make(chan error, 1)
	go func() { closed <- redis.Run(connected) }()
	group, ctx := errgroup.WithContext(ctx)
	for _, task := range tasks {
		group.Go(func() error { return task(ctx) })
	}
	err := group.Wait()
	hangUp()
	return errors.Join(err, <-closed)
}

func degraded(redis *conn.Conn, cacheDegraded func() bool) []string {
	switch {
	case !redis.Up():
		return []string{"cache", "events", "rate_limiting"}
	case !redis.Writable():
		return []string{"cache", "events"}
	case cacheDegraded():
		return []string{"cache"}
	default:
		return nil
	}
}

// Probe connects to the Redis at an address once. policy is its eviction policy
// (maxmemory-policy), "" if unknown. refused means that Redis answers but rejects our credentials,
// or that the address is invalid, so waiting does not help.
func Probe(ctx context.Context, address string) (policy string, refused bool, err error) {
	redis, err := conn.New(address, conn.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", true, err
	}
	defer func() { _ = redis.Client().Close() }()
	if err := redis.Probe(ctx); err != nil {
		return "", conn.Refused(err), err
	}
	return redis.Eviction(ctx), false, nil
}
