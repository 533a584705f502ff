package process

import (
	"log/slog"
	"os"

	"studysharper/app/cache"
	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/stream"
)

// overInstances returns the backends shared by all instances, built on this container's own.
func overInstances(own cluster.Backends, near *cache.Memory, c config.Config, b config.Budget, orphaned func(stream.Orphan), cancelled func(run string), log *slog.Logger) (cluster.Backends, error) {
	return cluster.Open(own, near, cluster.Options{Config: c, Budget: b, Instance: os.Getenv(instanceVar), Log: log,
		MaxReaders: maxReaders(c), MaxRuns: max(leastRuns, c.MaxRuns), Orphaned: orphaned, Cancelled: cancelled})
}
