package cluster

import (
	"context"
	"time"

	"studysharper/app/cache"
	"studysharper/app/cache/contextcache"
	"studysharper/app/limit"
	"studysharper/app/stream"
)

// Backends are the parts that a worker shares with other processes: those of its container,
// or of all instances. Every field must be set.
type Backends struct {
	Cache    cache.Cache // of answers
	Journal  stream.Keeper
	Limiter  limit.Counter
	Runs     limit.Gate
	Streams  limit.Gate
	Versions *contextcache.Versions

	// Purge removes the answers whose keys contain pattern in every worker, PurgeOwn only in
	// this one. PurgeInterval is the minimum time between purges for changed notes.
	Purge         func(pattern string) error
	PurgeOwn      func(ctx context.Context, pattern string)
	PurgeInterval time.Duration

	// CancelRun asks the process that executes a run, wherever it is, to cancel it. It does not wait for that.
	CancelRun func(run string) error

	// Degraded returns the components that currently work without the other instances.
	Degraded func() []string
	// Run operates all of them until ctx ends.
	Run func(ctx context.Context) error
	// Final means that no stream can be resumed after this container has stopped.
	Final bool
}
