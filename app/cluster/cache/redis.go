// Package cache keeps answers in the Redis that all instances share, alone (Redis) or behind a
// memory tier (Tiered). The one idea: Redis makes answers cheaper and never slower. It is
// waited for at most 5 ms, nothing in it is trusted without its checksum, and what was cleared
// anywhere is not served again.
package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"studysharper/app/cache"
	"studysharper/app/cluster/conn"
	"studysharper/app/study"
)

const (
	// maxTTL is how long an entry without a TTL stays: under the policies that evict only
	// what will expire anyway, Redis could never drop a key without an end.
	maxTTL = 30 * 24 * time.Hour

	jitter = 10 // entries live up to a tenth shorter than TTL, so that those made together do not expire together
)

// RedisOptions bound a Redis. A zero field takes the default.
type RedisOptions struct {
	TTL           time.Duration // since the Set; 0 = 30 days. The last tenth of it is left to chance
	MaxEntryBytes int           // of a key and its value; larger ones are refused. Default 256 KiB
	Space         string        // what all keys and channels begin with; default "studysharper:"
}

// Redis is a Cache in the Redis that all instances share. Values over 4 kB are compressed,
// and all are held behind a checksum: what was cut short, changed or belongs to another key
// is a miss, counted in Stats.Corrupt, and deleted. Keys go as they are, so that Clear can
// look for a part of them. Redis holds the bounds (maxmemory), and counts no entries for us.
//
// Each method waits for conn.Timeout at most (Clear for each of its steps), and not at
// all while Redis is known to be away. A Set that Redis will not take, being full, leaves
// nothing under its key; one that does not reach it leaves what was there.
type Redis struct {
	conn    *conn.Conn
	options RedisOptions

	hits, misses, refused, corrupt, dropped atomic.Uint64
}

var _ cache.Cache = (*Redis)(nil)

// NewRedis makes a cache over a connection, which its owner runs. It fails, with
// CodeInvalid and a fault an option, on options that are out of bounds.
func NewRedis(conn *conn.Conn, o RedisOptions) (*Redis, error) {
	var faults []study.Fault
	if o.TTL < 0 || (o.TTL > 0 && o.TTL < 10*time.Millisecond) || o.TTL > maxTTL {
		faults = append(faults, study.Fault{Field: "TTL", Detail: "0 (30 days), or 10 ms to 30 days"})
	}
	if o.MaxEntryBytes < 0 || o.MaxEntryBytes > 64<<20 {
		faults = append(faults, study.Fault{Field: "MaxEntryBytes", Detail: "1 byte to 64 MiB"})
	}
	if err := study.Invalid(faults); err != nil {
		return nil, err
	}
	if o.TTL == 0 {
		o.TTL = maxTTL
	}
	if o.MaxEntryBytes == 0 {
		o.MaxEntryBytes = 256 << 10
	}
	if o.Space == "" {
		o.Space = "studysharper:"
	}
	return &Redis{conn: conn, options: o}, nil
}

func (r *Redis) name(key string) string { return r.options.Space + "c:" + key }

// Get implements cache.Cache.
func (r *Redis) Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool) {
	value, age, err := r.lookUp(ctx, key)
	if err != nil {
		r.misses.Add(1)
		return nil, 0, false
	}
	r.hits.Add(1)
	return value, age, true
}

// lookUp is Get that counts no hits, and says why there is none: redis.Nil when Redis has no
// such key, errCorrupt, or an error of Conn.Do.
func (r *Redis) lookUp(ctx context.Context, key string) (value []byte, age time.Duration, err error) {
	if len(key) > r.options.MaxEntryBytes {
		return nil, 0, redis.Nil
	}
	var held *redis.StringCmd
	var left *redis.DurationCmd
	most := r.options.MaxEntryBytes - len(key)
	err = r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			// In this order: a key that is made between the two does not exist yet.
			left = p.PTTL(ctx, r.name(key))
			// Never more than an entry may have, even if another program put it there; cut short, it is broken.
			held = p.GetRange(ctx, r.name(key), 0, int64(codecHeader+most))
			return nil
		})
		return err
	})
	if err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, 0, err
	}
	if left.Val() == -2 || (held.Err() == nil && held.Val() == "") { // there is none, or no longer
		return nil, 0, redis.Nil
	}
	return r.decodeReply(ctx, key, held, left.Val())
}

// decodeReply unwraps what Redis holds under the key. It deletes what it cannot decode.
func (r *Redis) decodeReply(ctx context.Context, key string, held *redis.StringCmd, left time.Duration) ([]byte, time.Duration, error) {
	raw, err := held.Bytes()
	if err == nil && left > 0 {
		value, life, err := decode(key, raw, r.options.MaxEntryBytes-len(key))
		if err == nil && life >= left {
			return value, life - left, nil
		}
	}
	r.corrupt.Add(1)
	_ = r.unlinkKeys(ctx, key)
	return nil, 0, errCorrupt
}

// Set implements cache.Cache.
func (r *Redis) Set(ctx context.Context, key string, value []byte) {
	if len(key)+len(value) > r.options.MaxEntryBytes {
		r.refused.Add(1)
		_ = r.unlinkKeys(ctx, key)
		return
	}
	if r.write(ctx, []*pendingWrite{{key: key, value: value, setAt: time.Now()}}) != nil {
		r.dropped.Add(1)
	}
}

// write makes the changes, in their order, in one round trip. An error means that Redis may
// have got any of them, and that they may be retried.
func (r *Redis) write(ctx context.Context, batch []*pendingWrite) error {
	changes := make([]func(context.Context, redis.Pipeliner), len(batch))
	for i, g := range batch { // beforehand: to compress takes time that is not Redis's
		changes[i] = r.command(g)
	}
	var made []redis.Cmder
	err := r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		made, err = c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, change := range changes {
				change(ctx, p)
			}
			return nil
		})
		return err
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, conn.ErrDown) || ctx.Err() != nil {
		return err
	}
	return r.deleteRefused(ctx, batch, made)
}

func (r *Redis) command(g *pendingWrite) func(context.Context, redis.Pipeliner) {
	name, age := r.name(g.key), time.Since(g.setAt)
	life := r.remainingTTL(age)
	if g.delete || life <= 0 {
		return func(ctx context.Context, p redis.Pipeliner) { p.Unlink(ctx, name) }
	}
	encoded := encode(g.key, g.value, life+age)
	return func(ctx context.Context, p redis.Pipeliner) { p.Set(ctx, name, encoded, life) }
}

// deleteRefused deletes the keys whose new values Redis would not take: it has the old ones still.
func (r *Redis) deleteRefused(ctx context.Context, batch []*pendingWrite, made []redis.Cmder) error {
	var keys []string
	for i, cmd := range made {
		if cmd.Err() != nil {
			keys = append(keys, batch[i].key)
		}
	}
	if err := r.unlinkKeys(ctx, keys...); err != nil {
		return err
	}
	r.dropped.Add(uint64(len(keys)))
	return nil
}

// unlinkKeys deletes keys.
func (r *Redis) unlinkKeys(ctx context.Context, keys ...string) error {
	return r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.Unlink(ctx, r.name(key))
			}
			return nil
		})
		return err
	})
}

// remainingTTL is what an entry of some age has left, in whole milliseconds.
func (r *Redis) remainingTTL(age time.Duration) time.Duration {
	return (r.options.TTL - rand.N(r.options.TTL/jitter) - age).Truncate(time.Millisecond)
}

// Stats implements cache.Cache. Items and Bytes are 0: Redis does not count ours apart. Refused
// are those over MaxEntryBytes.
func (r *Redis) Stats() cache.Stats {
	return cache.Stats{Backend: "redis", Hits: r.hits.Load(), Misses: r.misses.Load(), Refused: r.refused.Load(),
		Corrupt: r.corrupt.Load(), Dropped: r.dropped.Load()}
}
