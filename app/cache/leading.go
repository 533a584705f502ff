package cache

import (
	"context"
	"sync"
)

// Lead is Redis.Lead, and waits for Redis no longer than Get does: where it does not answer in
// time, is away, slow or full, all lead. done counts when Redis has the value that was Set,
// so that who was waiting finds it; it blocks for nothing. Where lead is false, memory has it.
func (t *Tiered) Lead(ctx context.Context, key string) (lead bool, done func()) {
	if !t.trusted() || t.far.Full() {
		return true, func() {}
	}
	var (
		l     *lease
		err   error
		there bool
	)
	asked := t.asking.begin(func() {
		ctx := context.WithoutCancel(ctx)
		if l, err = t.far.lease(ctx, key); l != nil {
			go l.hold(ctx)
			there = t.far.has(ctx, key)
		}
	})
	switch {
	case asked == nil:
		return true, func() {}
	case !t.asking.await(ctx, asked): // it may have the lease in the end
		return true, sync.OnceFunc(func() { go func() { <-asked; t.finish(key, l) }() })
	case err != nil:
		return true, func() {}
	case l == nil:
		return !(t.far.follow(ctx, key) && t.fetch(ctx, key)), func() {}
	case there && t.fetch(ctx, key):
		l.end()
		return false, func() {}
	}
	return true, sync.OnceFunc(func() { t.finish(key, l) })
}

// fetch brings a value that Redis has into memory, and reports whether it did. It waits for
// redisconn.Timeout at the most.
func (t *Tiered) fetch(ctx context.Context, key string) bool {
	t.mu.Lock()
	l := t.look(ctx, key)
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

// finish ends the lease, where there is one, when Redis has the newest value of the key or
// will not have it.
func (t *Tiered) finish(key string, l *lease) {
	if l == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.out.newest[key]; g != nil {
		g.after = append(g.after, l.end)
		return
	}
	l.end()
}
