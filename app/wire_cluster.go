package main

import (
	"context"
	"log/slog"
	"os"

	"studysharper/app/cache"
	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/stream"
)

// overInstances makes the backends of all instances from this container's own.
func overInstances(local cluster.Backends, near *cache.Memory, c config.Config, b config.Budget, orphaned func(stream.Orphan), log *slog.Logger) (cluster.Backends, error) {
	return cluster.Open(local, near, cluster.Options{Config: c, Budget: b, Instance: os.Getenv(instanceVar), Log: log,
		MaxReaders: maxReaders(c), MaxRuns: max(leastRuns, c.MaxRuns), Orphaned: orphaned})
}

// checkRedis asks Redis once before anything is started. One that refuses the settings is a
// fault; one that does not answer may come later.
func checkRedis(ctx context.Context, c config.Config) (warnings []string, err error) {
	if c.RedisURL == "" {
		return nil, nil
	}
	switch _, refused, err := cluster.Probe(ctx, c.RedisURL); {
	case refused:
		return nil, config.Faults{{Setting: "REDIS_URL", Value: config.RedactURL(c.RedisURL), Accepted: "is refused by Redis: " + oneLine(err.Error())}}
	case err != nil:
		return []string{"Redis does not answer: running standalone until it does (" + oneLine(err.Error()) + ")"}, nil
	}
	return nil, nil
}
