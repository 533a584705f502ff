package cache

import (
	"context"
	"sync"
)

// AcquireOrWait works like Redis.AcquireOrWait, but waits for Redis no longer than Get does: if Redis is late,
// unreachable, slow or full, every caller leads. The lease is released once Redis has the value that was Set, so
// waiting processes find it; done itself does not block. If lead is false, the value is in memory.
func (t *Tiered) AcquireOrWait(ctx context.Context, key string) (lead bool, done func()) {
	if !t.redisUsable() || !t.redis.conn.Writable() {
		return true, func() {}
	}
	var (
		l     *lease
		err   error
		there bool
	)
	asked := t.lookupGate.start(func() {
		ctx := context.WithoutCancel(ctx)
		if l, err = t.redis.acquire(ctx, key); l != nil {
			go l.renewUntilDone(ctx)
			there = t.redis.has(ctx, key)
		}
	})
	switch {
	case asked == nil:
		return true, func() {}
	case !t.lookupGate.await(ctx, asked): // the lease may still be acquired later
		return true, sync.OnceFunc(func() { go func() { <-asked; t.releaseLease(key, l) }() })
	case err != nil:
		return true, func() {}
	case l == nil:
		return !(t.redis.waitForRelease(ctx, key) && t.fetchIntoMemory(ctx, key)), func() {}
	case there && t.fetchIntoMemory(ctx, key):
		l.end()
		return false, func() {}
	}
	return true, sync.OnceFunc(func() { t.releaseLease(key, l) })
}

// fetchIntoMemory copies a value from Redis into memory and reports whether it did. It waits for at most conn.Timeout.
func (t *Tiered) fetchIntoMemory(ctx context.Context, key string) bool {
	t.mu.Lock()
	l := t.startLookup(ctx, key)
	t.mu.Unlock()
	if l == nil {
		return false
	}
	select {
	case <-l.done:
		return l.ok
	case <-ctx.Done():
		return false
	}
}

// releaseLease ends the lease, if there is one, as soon as the newest value of the key is in Redis or has been dropped.
func (t *Tiered) releaseLease(key string, l *lease) {
	if l == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.queue.latest[key]; g != nil {
		g.onSettled = append(g.onSettled, l.end)
		return
	}
	l.end()
}
