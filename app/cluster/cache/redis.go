// Package cache stores answers in the Redis that all instances share, either directly (Redis) or behind a memory tier
// (Tiered). The main idea: Redis saves work and never costs time. A look-up waits for it for at most 5 ms, every value
// is verified by a checksum, and a value that was cleared on any instance is not served again.
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
	// maxTTL is the lifetime of an entry without a TTL. Redis could never evict a key without a TTL under its volatile-*
	// policies.
	maxTTL = 30 * 24 * time.Hour

	jitter = 10 // an entry's lifetime is up to a tenth shorter than TTL, so that entries stored together do not expire together
)

// RedisOptions bound a Redis. A zero field takes the default.
type RedisOptions struct {
	TTL           time.Duration // since the Set; 0 = 30 days. Up to a tenth of it is taken off at random
	MaxEntryBytes int           // of a key and its value; larger ones are refused. Default 256 KiB
	Space         string        // prefix of all keys and channels; default "studysharper:"
}

// Redis is a Cache in the Redis that all instances share. Values over 4 kB are compressed, and all have a checksum: a
// value that is truncated, changed or stored for another key is a miss, counted in Stats.Corrupt, and deleted. Keys are
// stored unchanged, so that Clear can search for substrings. Redis enforces the limits (maxmemory) and does not count
// our entries.
//
// Each method waits for at most conn.Timeout (Clear for each of its steps), and not at all while Redis is known to be
// unreachable. If Redis is full and refuses a Set, the key is deleted; if a Set does not reach Redis, the previous
// value stays.
type Redis struct {
	conn    *conn.Conn
	options RedisOptions

	hits, misses, refused, corrupt, dropped atomic.Uint64
}

var _ cache.Cache = (*Redis)(nil)

// NewRedis returns a cache on a connection, which its owner runs. Options out of bounds are CodeInvalid, with a fault
// for each.
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

// lookUp is Get without the hit count, and returns the reason for a miss: redis.Nil if Redis has no such key, errCorrupt,
// or an error of Conn.Do.
func (r *Redis) lookUp(ctx context.Context, key string) (value []byte, age time.Duration, err error) {
	if len(key) > r.options.MaxEntryBytes {
		return nil, 0, redis.Nil
	}
	var held *redis.StringCmd
	var left *redis.DurationCmd
	most := r.options.MaxEntryBytes - len(key)
	err = r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			// The TTL comes first: a key that is created between the two commands is then still a miss.
			left = p.PTTL(ctx, r.name(key))
			// Reads no more than the largest entry, even if another program wrote the key. A truncated value fails its
			// checksum.
			held = p.GetRange(ctx, r.name(key), 0, int64(codecHeader+most))
			return nil
		})
		return err
	})
	if err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, 0, err
	}
	if left.Val() == -2 || (held.Err() == nil && held.Val() == "") { // the key does not exist, or no longer
		return nil, 0, redis.Nil
	}
	return r.decodeReply(ctx, key, held, left.Val())
}

// decodeReply decodes the value that Redis returned for key. It deletes a value that cannot be decoded.
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

// write applies changes in order, in one round trip. After an error, Redis may have applied any of them; retrying them is
// safe.
func (r *Redis) write(ctx context.Context, batch []*pendingWrite) error {
	changes := make([]func(context.Context, redis.Pipeliner), len(batch))
	for i, g := range batch { // outside of the connection, whose time is limited
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

// deleteRefused deletes the keys whose new values Redis refused, because it still has the old ones.
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

// remainingTTL returns how long an entry of this age may still live, in whole milliseconds.
func (r *Redis) remainingTTL(age time.Duration) time.Duration {
	return (r.options.TTL - rand.N(r.options.TTL/jitter) - age).Truncate(time.Millisecond)
}

// Stats implements cache.Cache. Items and Bytes are 0, because Redis does not count our keys separately. Refused counts
// the entries over MaxEntryBytes.
func (r *Redis) Stats() cache.Stats {
	return cache.Stats{Backend: "redis", Hits: r.hits.Load(), Misses: r.misses.Load(), Refused: r.refused.Load(),
		Corrupt: r.corrupt.Load(), Dropped: r.dropped.Load()}
}
