// Package bus carries cache invalidations between instances over a Redis channel. The one idea:
// a message may be lost, so after every interruption everything is invalidated, and until then
// nothing cached is trusted.
package bus

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"

	"studysharper/app/cluster/conn"
)

// channel is the Redis channel on which instances announce changes.
const channel = "studysharper:changes"

// Versions are the version counters of this container; *contextcache.Versions implements it.
type Versions interface {
	BumpSlot(slot int)
	InvalidateAll()
}

// Bus announces bumped slots of the version counters, and applies those that other instances
// announce. A message consists of the instance's name and a slot.
type Bus struct {
	conn     *conn.Conn
	instance string
	versions Versions
	// subscribedAt is Conn.Falls plus one at the time of the last subscription, when
	// everything was invalidated; 0 = never.
	subscribedAt atomic.Uint64
}

// New returns a bus on a connection. All workers of a container must use the same instance name.
func New(redis *conn.Conn, instance string, versions Versions) *Bus {
	return &Bus{conn: redis, instance: instance, versions: versions}
}

// Announce tells the other instances about a bumped slot. An instance that is unreachable now
// invalidates everything when it subscribes again.
func (b *Bus) Announce(slot int) {
	_ = b.conn.Publish(context.Background(), channel, b.instance+" "+strconv.Itoa(slot))
}

// Reliable reports whether every announcement of the other instances arrives.
func (b *Bus) Reliable() bool {
	return b.conn.Up() && b.subscribedAt.Load() == b.conn.Falls()+1
}

// Run listens until ctx ends.
func (b *Bus) Run(ctx context.Context) error {
	return b.conn.Listen(ctx, map[string]func(string){channel: b.onMessage}, func() {
		falls := b.conn.Falls()
		b.versions.InvalidateAll()
		b.subscribedAt.Store(falls + 1)
	})
}

// onMessage ignores the container's own messages, because its workers share the counters.
func (b *Bus) onMessage(message string) {
	instance, number, ok := strings.Cut(message, " ")
	slot, err := strconv.Atoi(number)
	if !ok || err != nil {
		b.versions.InvalidateAll()
	} else if instance != b.instance {
		b.versions.BumpSlot(slot)
	}
}
