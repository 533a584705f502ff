package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"studysharper/app/cache"
	"studysharper/app/config"
	"studysharper/app/limit"
	"studysharper/app/metrics"
	"studysharper/app/redisconn"
	"studysharper/app/stream"
	"studysharper/app/stream/failover"
	"studysharper/app/stream/redisjournal"
)

// instanceVar tells a container's workers what their instance is called among all. The
// supervisor makes it up at its start.
const instanceVar = "STUDYSHARPER_INSTANCE"

// maxJournalBytes is what all journals may take of Redis: half of the smallest that
// docker-compose.yml and render.yaml ask for. Every instance must have the same.
const maxJournalBytes = 64 << 20

// cluster is what a worker has in common with those of all instances, through Redis. nil
// where there is one instance only.
type cluster struct {
	conn     *redisconn.Conn
	runs     *limit.Gate
	streams  *limit.Gate
	tiered   *cache.Tiered // nil: the cache is another
	shared   *redisjournal.Journal
	journal  *failover.Journal
	bus      *invalidationBus
	settings config.Config
}

func openCluster(c config.Config, own *metrics.Entry, log *slog.Logger) (*cluster, error) {
	if c.RedisURL == "" {
		return nil, nil //nolint:nilnil // none is none
	}
	conn, err := redisconn.New(c.RedisURL, redisconn.Options{Name: fmt.Sprintf("studysharper-%d", os.Getpid()), Log: log})
	if err != nil {
		return nil, err
	}
	held := func(g metrics.Gauge) func() int64 { return func() int64 { return own.Gauge(g) } }
	return &cluster{conn: conn, settings: c, bus: newInvalidationBus(conn, os.Getenv(instanceVar)),
		runs:    limit.NewGate(conn, "runs", c.TotalRuns, held(metrics.RunsActive)),
		streams: limit.NewGate(conn, "streams", c.TotalStreams, held(metrics.Streams)),
	}, nil
}

// newJournal is the journal of all instances, with the container's own for while Redis is away.
func (t *cluster) newJournal(local stream.Keeper, b config.Budget, orphaned func(stream.Orphan), log *slog.Logger) stream.Keeper {
	if t == nil {
		return local
	}
	c := t.settings
	t.shared = redisjournal.New(t.conn, redisjournal.Options{
		MaxEvents: c.SSEQueueSize, StaleAfter: c.SSEStaleAfter, MaxReaders: maxReaders(c), MaxRuns: max(leastRuns, c.MaxRuns),
		MaxSessions: 2 * c.SSEMaxStreams, MaxBytes: maxJournalBytes, MaxKeptBytes: b.Unsent(), Orphaned: orphaned, Log: log})
	t.journal = failover.New(failover.Options{Shared: t.shared, Local: local, Up: t.conn.Up, Settle: c.WorkerTimeout})
	t.conn.Returned(t.journal.Returned)
	return t.journal
}

// cache is the one that CACHE_BACKEND asks for; near is the worker's own.
func (t *cluster) cache(near *cache.Memory, b config.Budget, log *slog.Logger) (cache.Cache, error) {
	if t == nil || t.settings.CacheBackend == "memory" {
		return near, nil
	}
	far, err := cache.NewRedis(t.conn, cache.RedisOptions{TTL: t.settings.CacheTTL})
	if err != nil || t.settings.CacheBackend == "redis" {
		return far, err
	}
	t.tiered, err = cache.NewTiered(near, far, cache.TieredOptions{MaxLookups: b.Lookups(), QueueBytes: b.Queue(), Log: log})
	return t.tiered, err
}

// run keeps everything shared until ctx ends. The connection goes last: what leaves has
// something to say.
func (t *cluster) run(ctx context.Context) error {
	if t == nil {
		return nil
	}
	connected, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	gone := make(chan error, 1)
	go func() { gone <- t.conn.Run(connected) }()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.runs.Run(ctx) })
	group.Go(func() error { return t.streams.Run(ctx) })
	group.Go(func() error { return t.shared.Run(ctx) })
	group.Go(func() error { return t.journal.Run(ctx) })
	group.Go(func() error { return t.bus.run(ctx) })
	if t.tiered != nil {
		group.Go(func() error { return t.tiered.Run(ctx) })
	}
	err := group.Wait()
	hangUp()
	return errors.Join(err, <-gone)
}

// deliver waits for Redis to have what is told of this worker's runs, as long as that is of use.
func (t *cluster) deliver(ctx context.Context) {
	if t != nil {
		t.shared.Deliver(ctx)
	}
}

// counter counts for the rate limits: over all instances where there are more.
func (t *cluster) counter(own limit.Counter) limit.Counter {
	if t == nil {
		return own
	}
	return limit.First{Shared: limit.NewRedis(t.conn), Own: own}
}

// runGate and streamGate count over all instances; nil lets everything pass.
func (t *cluster) runGate() *limit.Gate {
	if t == nil {
		return nil
	}
	return t.runs
}

func (t *cluster) streamGate() *limit.Gate {
	if t == nil {
		return nil
	}
	return t.streams
}

// degraded names the components that go on by themselves.
func (t *cluster) degraded() []string {
	switch {
	case t == nil:
		return nil
	case !t.conn.Up():
		return []string{"cache", "events", "rate_limiting"}
	case t.tiered != nil && t.tiered.Degraded():
		return []string{"cache"}
	default:
		return nil
	}
}

// checkRedis asks Redis once before anything is started. One that will not have us is a
// mistake in the settings; one that does not answer may come yet, and is done without.
func checkRedis(ctx context.Context, c config.Config) (warnings []string, err error) {
	if c.RedisURL == "" {
		return nil, nil
	}
	conn, err := redisconn.New(c.RedisURL, redisconn.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Client().Close() }()
	switch err := conn.Probe(ctx); {
	case redisconn.Refused(err):
		return nil, config.Faults{{Setting: "REDIS_URL", Value: config.RedactURL(c.RedisURL), Accepted: "is refused by Redis: " + oneLine(err.Error())}}
	case err != nil:
		return []string{"Redis does not answer: running standalone until it does (" + oneLine(err.Error()) + ")"}, nil
	}
	return nil, nil
}
