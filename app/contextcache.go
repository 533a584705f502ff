package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"studysharper/app/agent"
	"studysharper/app/cache"
	"studysharper/app/config"
	"studysharper/app/revision"
	"studysharper/app/shm"
)

const (
	maxParts = 256 // of contexts, cached in a worker
	// partsTTL is how long a worker may go on with what it has read when nobody tells of a
	// change: one made from outside, or whose outcome the database did not tell.
	partsTTL = time.Minute

	maxPendingPurges = 64                     // users whose answers are dropped one by one; of more, those of all
	purgeInterval    = 250 * time.Millisecond // between two rounds, however many changes there are

	purgeIntervalRedis = 5 * time.Second
)

// contextCache is what a worker has read of students, and what is known of its being as good
// as new.
type contextCache struct {
	parts     *cache.Memory // see agent.Deps.Parts
	revisions *revision.Versions
	changed   *revision.Debouncer[string] // marks of users whose notes have changed
}

// newKnowledge makes the cache over the versions that all workers share; clearCaches
// reaches all of them, with others those of all instances.
func newKnowledge(c config.Config, b config.Budget, versions *shm.Section, others *cluster, clearCaches func(pattern string) error, log *slog.Logger) (k *contextCache, err error) {
	k = &contextCache{changed: newAnswerPurger(clearCaches, others.forgetRest(), log)}
	if k.parts, err = cache.NewMemory(cache.MemoryOptions{MaxItems: maxParts, MaxBytes: b.Context, TTL: partsTTL}); err != nil {
		return nil, err
	}
	k.revisions = revision.NewVersions(versions, others.revisions(c))
	if others != nil {
		others.bus.attach(k.revisions)
	}
	return k, nil
}

// revisions are how changes elsewhere are heard of. A file is changed by this container's
// workers only; a server may be by other instances, which without Redis nobody hears.
func (t *cluster) revisions(c config.Config) revision.Options {
	switch {
	case strings.HasPrefix(c.DatabaseURL, "sqlite:"):
		return revision.Options{}
	case t == nil:
		return revision.Options{Reliable: func() bool { return false }}
	default:
		return revision.Options{Announce: t.bus.announce, Reliable: t.bus.reliable}
	}
}

// purgeInterval is how long what was made from notes may wait to be dropped: in Redis every
// key is looked at for that.
func (t *cluster) forgetRest() time.Duration {
	if t == nil || t.tiered == nil {
		return purgeInterval
	}
	return purgeIntervalRedis
}

// newAnswerPurger has every worker drop what was made from notes that have changed. It is
// asked for under another key from then on, so there is no haste.
func newAnswerPurger(clearCaches func(pattern string) error, rest time.Duration, log *slog.Logger) *revision.Debouncer[string] {
	forget := func(mark string) {
		if err := clearCaches(mark); err != nil {
			log.Warn("cached answers of changed notes not purged", "error", err)
		}
	}
	return revision.NewDebouncer(revision.DebouncerOptions[string]{MaxPending: maxPendingPurges, Interval: rest,
		Notify: forget, NotifyAll: func() { forget(agent.UserTagPrefix) }})
}

// run announces changes until ctx ends.
func (k *contextCache) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return k.revisions.Run(ctx) })
	group.Go(func() error { return k.changed.Run(ctx) })
	return group.Wait()
}
