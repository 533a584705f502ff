package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"studysharper/app/redisconn"
	"studysharper/app/study"
)

const (
	// maxLife is how long an entry without a TTL stays: under the policies that evict only
	// what will expire anyway, Redis could never drop a key without an end.
	maxLife = 30 * 24 * time.Hour

	jitter  = 10 // entries live up to a tenth shorter than TTL, so that those made together do not end together
	fullFor = 10 * time.Second
)

// RedisOptions bound a Redis. A zero field takes the default.
type RedisOptions struct {
	TTL           time.Duration // since the Set; 0 = 30 days. The last tenth of it is left to chance
	MaxEntryBytes int           // of a key and its value; larger ones are refused. Default 256 KiB
	Space         string        // what all keys and channels begin with; default "studysharper:"
}

// Redis is a Cache in the Redis that all instances share. Values over 4 kB are compressed,
// and all are held behind a checksum: what was cut short, changed or belongs to another key
// is a miss, counted in Stats.Broken, and deleted. Keys go as they are, so that Clear can
// look for a part of them. Redis holds the bounds (maxmemory), and counts no entries for us.
//
// Each method waits for redisconn.Timeout at most (Clear for each of its steps), and not at
// all while Redis is known to be away. A Set that Redis will not take, being full, leaves
// nothing under its key; one that does not reach it leaves what was there.
type Redis struct {
	conn *redisconn.Conn
	o    RedisOptions

	hits, misses, refused, broken, dropped atomic.Uint64
	refusedAt                              atomic.Int64 // unix nanoseconds; when Redis last would not take a Set
}

var _ Cache = (*Redis)(nil)

// NewRedis makes a cache over a connection, which its owner runs. It fails, with
// CodeInvalid and a fault an option, on options that are out of bounds.
func NewRedis(conn *redisconn.Conn, o RedisOptions) (*Redis, error) {
	var faults []study.Fault
	if o.TTL < 0 || (o.TTL > 0 && o.TTL < 10*time.Millisecond) || o.TTL > maxLife {
		faults = append(faults, study.Fault{Field: "TTL", Detail: "0 (30 days), or 10 ms to 30 days"})
	}
	if o.MaxEntryBytes < 0 || o.MaxEntryBytes > 64<<20 {
		faults = append(faults, study.Fault{Field: "MaxEntryBytes", Detail: "1 byte to 64 MiB"})
	}
	if err := study.Invalid(faults); err != nil {
		return nil, err
	}
	if o.TTL == 0 {
		o.TTL = maxLife
	}
	if o.MaxEntryBytes == 0 {
		o.MaxEntryBytes = 256 << 10
	}
	if o.Space == "" {
		o.Space = "studysharper:"
	}
	return &Redis{conn: conn, o: o}, nil
}

func (r *Redis) name(key string) string { return r.o.Space + "c:" + key }

// Get implements Cache.
func (r *Redis) Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool) {
	value, age, err := r.look(ctx, key)
	if err != nil {
		r.misses.Add(1)
		return nil, 0, false
	}
	r.hits.Add(1)
	return value, age, true
}

// look is Get that counts no hits, and says why there is none: redis.Nil when Redis has no
// such key, errBroken, or an error of Conn.Do.
func (r *Redis) look(ctx context.Context, key string) (value []byte, age time.Duration, err error) {
	if len(key) > r.o.MaxEntryBytes {
		return nil, 0, redis.Nil
	}
	var held *redis.StringCmd
	var left *redis.DurationCmd
	most := r.o.MaxEntryBytes - len(key)
	err = r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			// In this order: a key that is made between the two is none yet.
			left = p.PTTL(ctx, r.name(key))
			// Never more than an entry may have, whoever put it there; cut short, it is broken.
			held = p.GetRange(ctx, r.name(key), 0, int64(parcelHead+most))
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
	return r.read(ctx, key, held, left.Val())
}

// read unwraps what Redis holds under the key. It deletes what is no parcel.
func (r *Redis) read(ctx context.Context, key string, held *redis.StringCmd, left time.Duration) ([]byte, time.Duration, error) {
	raw, err := held.Bytes()
	if err == nil && left > 0 {
		value, life, err := unwrap(key, raw, r.o.MaxEntryBytes-len(key))
		if err == nil && life >= left {
			return value, life - left, nil
		}
	}
	r.broken.Add(1)
	_ = r.drop(ctx, key)
	return nil, 0, errBroken
}

// Set implements Cache.
func (r *Redis) Set(ctx context.Context, key string, value []byte) {
	if len(key)+len(value) > r.o.MaxEntryBytes {
		r.refused.Add(1)
		_ = r.drop(ctx, key)
		return
	}
	if r.write(ctx, []*outgoing{{key: key, value: value, at: time.Now()}}) != nil {
		r.dropped.Add(1)
	}
}

// write makes the changes, in their order, in one round trip. An error means that Redis may
// have got any of them, and that they may be made again.
func (r *Redis) write(ctx context.Context, batch []*outgoing) error {
	changes := make([]func(context.Context, redis.Pipeliner), len(batch))
	for i, g := range batch { // beforehand: to compress takes time that is not Redis's
		changes[i] = r.change(g)
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
		r.refusedAt.Store(0)
		return nil
	}
	if errors.Is(err, redisconn.ErrDown) || ctx.Err() != nil {
		return err
	}
	return r.undo(ctx, batch, made)
}

func (r *Redis) change(g *outgoing) func(context.Context, redis.Pipeliner) {
	name, age := r.name(g.key), time.Since(g.at)
	life := r.life(age)
	if g.delete || life <= 0 {
		return func(ctx context.Context, p redis.Pipeliner) { p.Unlink(ctx, name) }
	}
	parcel := wrap(g.key, g.value, life+age)
	return func(ctx context.Context, p redis.Pipeliner) { p.Set(ctx, name, parcel, life) }
}

// undo deletes the keys whose new values Redis would not take: it has the old ones still.
func (r *Redis) undo(ctx context.Context, batch []*outgoing, made []redis.Cmder) error {
	r.refusedAt.Store(time.Now().UnixNano())
	var keys []string
	for i, cmd := range made {
		if cmd.Err() != nil {
			keys = append(keys, batch[i].key)
		}
	}
	if err := r.drop(ctx, keys...); err != nil {
		return err
	}
	r.dropped.Add(uint64(len(keys)))
	return nil
}

// drop deletes keys.
func (r *Redis) drop(ctx context.Context, keys ...string) error {
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

// life is what an entry of some age has left, in whole milliseconds.
func (r *Redis) life(age time.Duration) time.Duration {
	return (r.o.TTL - rand.N(r.o.TTL/jitter) - age).Truncate(time.Millisecond)
}

// Full reports whether Redis would not take a Set in the last 10 s, and has taken none since.
func (r *Redis) Full() bool {
	at := r.refusedAt.Load()
	return at != 0 && time.Since(time.Unix(0, at)) < fullFor
}

// Stats implements Cache. Items and Bytes are 0: Redis does not count ours apart. Refused
// are those over MaxEntryBytes.
func (r *Redis) Stats() Stats {
	return Stats{Backend: "redis", Hits: r.hits.Load(), Misses: r.misses.Load(), Refused: r.refused.Load(),
		Broken: r.broken.Load(), Dropped: r.dropped.Load()}
}
