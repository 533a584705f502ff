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
	Wait       time.Duration // for Redis, in Get and AcquireOrWait; default 5 ms
	MaxLookups int           // concurrent ones, including late ones; default 64
	QueueItems int           // Sets not yet in Redis; default 256
	QueueBytes int           // of their keys and values; default 2 MiB
	Log        *slog.Logger  // one line for each Clear that failed in Redis; default: none
}

// Tiered is a Memory in front of a Redis, for instances that share answers. A Set is in memory at once and in Redis soon
// after. A Get that misses in memory looks in Redis for at most TieredOptions.Wait; a later answer goes into memory for
// the next Get. While Redis is unreachable or slow (five answers in a row were late), it is not asked.
//
// Clear reaches every process, because each subscribes to one Redis channel. A process whose subscription broke empties
// its memory, since it may have missed a Clear. A Clear that fails in Redis is retried when Redis is back, and until then
// this process reads nothing from Redis.
//
// Values set for one key in several processes at about the same time may differ until they expire; keys must therefore
// name everything that the value depends on. A Set that does not reach Redis (counted in Stats.Dropped) leaves the
// previous value there.
//
// Tiered needs QueueBytes more memory than its two caches, and for each look-up twice the size of the value (at most
// RedisOptions.MaxEntryBytes: 32 MiB with the defaults if every value has the largest size).
type Tiered struct {
	memory     *cache.Memory
	redis      *Redis
	lookupGate bulkhead
	id         string // identifies this process in messages
	log        *slog.Logger

	writing       sync.Mutex // held while a batch is written; lock it before mu
	mu            sync.Mutex // guards the fields below and their consistency with memory
	queue         writeBehindQueue
	lookups       map[string]*lookup
	pendingPurges []string // patterns of Clears that failed in Redis

	wake                      chan struct{} // capacity 1; signals work for Run
	purgesPending, subscribed atomic.Bool   // pendingPurges is not empty; the subscription was established once
	hits, misses              atomic.Uint64
	skippedSets, resyncs      atomic.Uint64 // Sets not written because Redis was unreachable; see Stats.Resyncs
}

// lookup is a value being fetched from Redis for all of its callers.
type lookup struct {
	done  <-chan struct{}
	stale bool // set or cleared in the meantime; guarded by Tiered.mu

	value []byte // valid once done is closed, as are age and ok
	age   time.Duration
	ok    bool
}

var _ cache.Cache = (*Tiered)(nil)

// NewTiered combines the two caches, which it then owns. It starts nothing; see Run. Options out of bounds are
// CodeInvalid, with a fault for each.
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

// Get implements cache.Cache. It waits for at most TieredOptions.Wait.
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

// getRemote returns a value that is not in memory, from the write queue or from Redis.
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

// startLookup joins or starts the look-up of a key; it returns nil if Redis must not be used. Callers hold t.mu.
func (t *Tiered) startLookup(ctx context.Context, key string) *lookup {
	if l := t.lookups[key]; l != nil {
		return l
	}
	if !t.redisUsable() {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // others may join, and the value goes into memory anyway
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

// redisUsable reports whether Redis may be used: it is reachable and in time, and no Clear is pending for it.
func (t *Tiered) redisUsable() bool {
	return t.redis.conn.Up() && !t.lookupGate.slow.Load() && !t.purgesPending.Load()
}

// Set implements cache.Cache. It does not wait for Redis.
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

// invalidateLookup keeps the result of a running look-up out of memory. Callers hold t.mu.
func (t *Tiered) invalidateLookup(key string) {
	if l := t.lookups[key]; l != nil {
		l.stale = true
		delete(t.lookups, key)
	}
}

// Stats implements cache.Cache. Items, Bytes, OldestAge, Evictions and Refused are those of the memory tier. MaxItems and
// MaxBytes are 0, because Redis still has what memory evicts.
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

// Degraded reports whether this process works without Redis, fully or in part: Redis is unreachable, slow or full, a
// Clear is pending, or the subscription was never established.
func (t *Tiered) Degraded() bool {
	return !t.redisUsable() || !t.redis.conn.Writable() || !t.subscribed.Load()
}

// wakeRun signals Run that there is work.
func (t *Tiered) wakeRun() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}
