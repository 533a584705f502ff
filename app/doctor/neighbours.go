package doctor

import (
	"context"
	"strings"
	"time"

	"studysharper/app/cluster"
	"studysharper/app/config"
	"studysharper/app/store"
	"studysharper/app/study"
)

// How long the doctor waits for each service.
const (
	databaseWait = 5 * time.Second
	upstreamWait = 20 * time.Second
)

// redisLine checks Redis as a worker does. Without Redis the service runs standalone. A Redis that, when full, evicts
// keys without an expiry loses events.
func redisLine(ctx context.Context, c config.Config) finding {
	const subject = "redis"
	if c.RedisURL == "" {
		return found(fine, subject, "REDIS_URL is not set: cache, limits and events are local to this container")
	}
	shown := config.RedactURL(c.RedisURL)
	policy, refused, err := cluster.Probe(ctx, c.RedisURL)
	switch {
	case refused:
		return found(broken, subject, "%s refuses access: %s", shown, oneLine(err.Error()))
	case err != nil:
		return found(lacking, subject, "%s cannot be reached: %s; the instance would run standalone", shown, oneLine(err.Error()))
	case strings.HasPrefix(policy, "allkeys"):
		return found(lacking, subject, "%s answers, but drops events when it is full (maxmemory-policy %s): set volatile-lru", shown, policy)
	}
	return found(fine, subject, "%s answers and can be written to", shown)
}

// databaseLine checks the database as a start does, and changes nothing. A database that the next start would create or
// migrate is fine too.
func databaseLine(ctx context.Context, c config.Config) finding {
	const subject = "database"
	shown := config.RedactURL(c.DatabaseURL)
	ctx, cancel := context.WithTimeout(ctx, databaseWait)
	defer cancel()
	state, err := store.Check(ctx, c.DatabaseURL)
	switch {
	case err != nil:
		return found(broken, subject, "%s cannot be used: %s", shown, oneLine(study.AsError(err).Message))
	case state == store.Absent:
		return found(fine, subject, "%s does not exist yet; the next start creates it", shown)
	case state == store.Outdated:
		return found(fine, subject, "%s answers; the next start migrates it", shown)
	default:
		return found(fine, subject, "%s answers, and has this version's schema", shown)
	}
}
