package cache

import (
	"context"
	"sync"
)

// AcquireOrWait is Redis.AcquireOrWait, and waits for Redis no longer than Get does: where it does not answer in
// time, is away, slow or full, all lead. done counts when Redis has the value that was Set,
// so that who was waiting finds it; it blocks for nothing. Where lead is false, memory has it.
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
	case !t.lookupGate.await(ctx, asked): // it may have the lease in the end
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

// fetchIntoMemory brings a value that Redis has into memory, and reports whether it did. It waits for
// conn.Timeout at the most.
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

// releaseLease ends the lease, where there is one, when Redis has the newest value of the key or
// will not have it.
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
