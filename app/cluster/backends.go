package cluster

import (
	"context"
	"time"

	"studysharper/app/cache"
	"studysharper/app/cache/contextcache"
	"studysharper/app/limit"
	"studysharper/app/stream"
)

// Backends are what a worker shares with other processes: of its container, or of all
// instances. Every field is set.
type Backends struct {
	Cache    cache.Cache // of answers
	Journal  stream.Keeper
	Limiter  limit.Counter
	Runs     limit.Gate
	Streams  limit.Gate
	Versions *contextcache.Versions

	// Purge drops the answers whose keys hold pattern in every worker, PurgeOwn in this one.
	// PurgeInterval is how far apart Purges for changed notes are.
	Purge         func(pattern string) error
	PurgeOwn      func(ctx context.Context, pattern string)
	PurgeInterval time.Duration

	// CancelRun has the process that works on a run cancel it, wherever that is. It does not wait for that.
	CancelRun func(run string) error

	// Degraded names the components that work without the other instances for now.
	Degraded func() []string
	// Run keeps all of it until ctx ends.
	Run func(ctx context.Context) error
	// Final says that nobody can resume a stream after this container has stopped.
	Final bool
}
