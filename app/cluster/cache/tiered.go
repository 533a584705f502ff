package cache

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/app/cache"
	"studysharper/app/study"
)

// TieredOptions bound a Tiered. A zero field takes the default.
type TieredOptions struct {
	Wait       time.Duration // for Redis, in Get and Lead; default 5 ms
	MaxLookups int           // under way at once, late ones included; default 64
	QueueItems int           // Sets that Redis does not have yet; default 256
	QueueBytes int           // of their keys and values; default 2 MiB
	Log        *slog.Logger  // of Clears that Redis did not get, one line each time; default: none
}

// Tiered is a Memory in front of a Redis, for instances that share answers. What is set is
// in memory at once and in Redis soon after; what memory has not is looked for in Redis, for
// TieredOptions.Wait and no longer: an answer that comes later is in memory for the next
// Get. While Redis is away, or slow (five answers in a row were late), it is not asked.
//
// Clear reaches every process: each listens to one channel of Redis. A process whose
// subscription was broken empties its memory, since a Clear may have passed it by. A Clear
// that fails in Redis is retried when Redis is back, and until then this process takes
// nothing from it.
//
// Between processes, values set under one key at about the same time may differ until they
// expire: keys name all that their value depends on. A Set that Redis did not get (counted
// in Stats.Dropped) leaves the value before it there.
//
// It adds to the memory of both caches QueueBytes, and for each look-up twice the size of
// the value (RedisOptions.MaxEntryBytes at most: 32 MiB with the defaults, if every value is
// as large as it may be).
type Tiered struct {
	memory     *cache.Memory
	redis      *Redis
	lookupGate bulkhead
	id         string // of this process, in messages
	log        *slog.Logger

	writing       sync.Mutex // held while a batch is written; before mu
	mu            sync.Mutex // guards those below, and that memory agrees with them
	queue         writeBehindQueue
	lookups       map[string]*lookup
	pendingPurges []string // patterns of Clears that Redis did not get

	wake                      chan struct{} // 1: there is something for Run to do
	purgesPending, subscribed atomic.Bool   // pendingPurges is not empty; the subscription has worked once
	hits, misses              atomic.Uint64
	skippedSets, resyncs      atomic.Uint64 // Sets not passed on while Redis was away; see Stats.Resyncs
}

// lookup is a value being fetched from Redis, for all who want it.
type lookup struct {
	done  <-chan struct{}
	stale bool // set or cleared meanwhile; guarded by Tiered.mu

	value []byte // these when done is closed
	age   time.Duration
	ok    bool
}

var _ cache.Cache = (*Tiered)(nil)

// NewTiered makes a cache of the two, which are then its own. It starts nothing: see Run.
// It fails, with CodeInvalid and a fault an option, on options that are out of bounds.
func NewTiered(near *cache.Memory, far *Redis, o TieredOptions) (*Tiered, error) {
	var faults []study.Fault
	if o.Wait < 0 {
		faults = append(faults, study.Fault{Field: "Wait", Detail: "0 (5 ms) or more"})
	}
	if o.MaxLookups < 0 || o.QueueItems < 0 || o.QueueBytes < 0 {
		faults = append(faults, study.Fault{Field: "MaxLookups, QueueItems, QueueBytes", Detail: "0 (the default) or more"})
	}
	if err := study.Invalid(faults); err != nil {
		return nil, err
	}
	orDefault(&o.Wait, 5*time.Millisecond)
	orDefault(&o.MaxLookups, 64)
	orDefault(&o.QueueItems, 256)
	orDefault(&o.QueueBytes, 2<<20)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t := &Tiered{memory: near, redis: far, id: rand.Text(), log: o.Log, lookups: make(map[string]*lookup), wake: make(chan struct{}, 1),
		queue: writeBehindQueue{maxItems: o.QueueItems, maxBytes: o.QueueBytes, latest: make(map[string]*pendingWrite)}}
	t.lookupGate = bulkhead{wait: o.Wait, slots: make(chan struct{}, o.MaxLookups), onSlow: t.wakeRun}
	return t, nil
}

func orDefault[T int | time.Duration](field *T, standard T) {
	if *field == 0 {
		*field = standard
	}
}

// Get implements cache.Cache. It waits for TieredOptions.Wait at the most.
func (t *Tiered) Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool) {
	if value, age, ok = t.memory.Get(ctx, key); !ok {
		value, age, ok = t.getRemote(ctx, key)
	}
	if ok {
		t.hits.Add(1)
	} else {
		t.misses.Add(1)
	}
	return value, age, ok
}

// getRemote gives what memory has not: a value that is on its way to Redis, or is there.
func (t *Tiered) getRemote(ctx context.Context, key string) ([]byte, time.Duration, bool) {
	t.mu.Lock()
	if g := t.queue.latest[key]; g != nil {
		defer t.mu.Unlock()
		if age := time.Since(g.setAt); !g.delete && !g.cleared && age < t.redis.options.TTL {
			return bytes.Clone(g.value), age, true
		}
		return nil, 0, false
	}
	l := t.startLookup(ctx, key)
	t.mu.Unlock()
	if l == nil || !t.lookupGate.await(ctx, l.done) || !l.ok {
		return nil, 0, false
	}
	return bytes.Clone(l.value), l.age, true
}

// startLookup joins the look-up of a key or begins one; nil when Redis is not to be asked. t.mu is held.
func (t *Tiered) startLookup(ctx context.Context, key string) *lookup {
	if l := t.lookups[key]; l != nil {
		return l
	}
	if !t.redisUsable() {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // others may join, and memory wants it
	l := &lookup{}
	l.done = t.lookupGate.start(func() {
		value, age, err := t.redis.lookUp(ctx, key)
		t.mu.Lock()
		defer t.mu.Unlock()
		l.value, l.age, l.ok = value, age, err == nil
		if l.stale {
			return
		}
		delete(t.lookups, key)
		if l.ok && t.memory.Accepts(key, value) {
			t.memory.SetAged(key, value, age)
		}
	})
	if l.done == nil {
		return nil
	}
	t.lookups[key] = l
	return l
}

// redisUsable reports whether Redis is to be asked: it is there, in time, and holds nothing
// that was cleared.
func (t *Tiered) redisUsable() bool {
	return t.redis.conn.Up() && !t.lookupGate.slow.Load() && !t.purgesPending.Load()
}

// Set implements cache.Cache. It waits for nothing.
func (t *Tiered) Set(ctx context.Context, key string, value []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.memory.Set(ctx, key, value)
	t.invalidateLookup(key)
	if !t.redis.conn.Writable() {
		t.skippedSets.Add(1)
		return
	}
	if len(key)+len(value) > t.redis.options.MaxEntryBytes {
		t.queue.enqueue(key, nil, true)
	} else {
		t.queue.enqueue(key, value, false)
	}
	t.wakeRun()
}

// invalidateLookup sees to it that a look-up under way does not end in memory; t.mu is held.
func (t *Tiered) invalidateLookup(key string) {
	if l := t.lookups[key]; l != nil {
		l.stale = true
		delete(t.lookups, key)
	}
}

// Stats implements cache.Cache. Items, Bytes and OldestAge are those of the memory tier, as are
// Evictions and Refused; MaxItems and MaxBytes are 0, for what memory drops Redis has still.
func (t *Tiered) Stats() cache.Stats {
	s, far := t.memory.Stats(), t.redis.Stats()
	s.Backend, s.MaxItems, s.MaxBytes = "tiered", 0, 0
	s.Hits, s.Misses = t.hits.Load(), t.misses.Load()
	t.mu.Lock()
	s.Dropped = t.queue.dropped
	t.mu.Unlock()
	s.Dropped += far.Dropped + t.skippedSets.Load()
	s.Corrupt, s.Late, s.Resyncs = far.Corrupt, t.lookupGate.late.Load(), t.resyncs.Load()
	return s
}

// Degraded reports whether this process works without Redis, in full or in part: Redis is
// unreachable, slow or full, a Clear is still pending, or the subscription never worked.
func (t *Tiered) Degraded() bool {
	return !t.redisUsable() || !t.redis.conn.Writable() || !t.subscribed.Load()
}

// wakeRun tells Run that there is something to do.
func (t *Tiered) wakeRun() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}
