package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"studysharper/app/cluster/conn"
)

const (
	maxPendingPurges = 64 // patterns; above it, everything is cleared
	clearTimeout     = 5 * time.Second
	batchItems       = 32
	batchBytes       = 256 << 10
	retryInterval    = 50 * time.Millisecond
)

// Clear implements cache.Cache. It clears this process, Redis (see Redis.Clear; a purge that takes longer than 5 s is
// retried later) and every subscribed process. It returns the number of keys deleted in this process and in Redis.
func (t *Tiered) Clear(ctx context.Context, pattern string) int {
	mine := t.clearLocal(pattern)
	if !t.redisUsable() {
		t.addPendingPurge(pattern, conn.ErrDown)
		return len(mine)
	}
	ctx, cancel := context.WithTimeout(ctx, clearTimeout)
	defer cancel()
	t.waitForWrites()
	n, err := t.redis.purge(ctx, pattern, mine)
	t.clearLocal(pattern) // values that were fetched from Redis in the meantime
	if err = errors.Join(err, t.publishClear(ctx, pattern)); err != nil {
		t.addPendingPurge(pattern, err)
	}
	return len(mine) + n
}

// ClearLocal clears this process only, for a Clear that was published already.
func (t *Tiered) ClearLocal(pattern string) { t.clearLocal(pattern) }

// waitForWrites waits until the batch being written is in Redis, so that the purge finds it.
func (t *Tiered) waitForWrites() {
	t.writing.Lock()
	defer t.writing.Unlock()
}

// clearLocal clears this process's memory and pending writes, and returns their keys.
func (t *Tiered) clearLocal(pattern string) map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := make(map[string]bool)
	gone := func(key string) { keys[key] = true }
	t.memory.ClearMatching(pattern, gone)
	t.queue.dropMatching(pattern, gone)
	for key := range t.lookups {
		if strings.Contains(key, pattern) {
			t.invalidateLookup(key)
		}
	}
	return keys
}

func (t *Tiered) clearChannel() string { return t.redis.options.Space + "clear" }

// publishClear announces a Clear to the other processes. It must follow the purge of Redis: otherwise they could fetch
// the cleared values again.
func (t *Tiered) publishClear(ctx context.Context, pattern string) error {
	return t.redis.conn.Publish(ctx, t.clearChannel(), t.id+pattern)
}

// onClearMessage handles a Clear of another process. Its own messages are ignored.
func (t *Tiered) onClearMessage(message string) {
	if len(message) >= len(t.id) && message[:len(t.id)] != t.id {
		t.clearLocal(message[len(t.id):])
	}
}

// onResubscribed is called when the subscription is established.
func (t *Tiered) onResubscribed() {
	t.clearLocal("")
	if t.subscribed.Swap(true) {
		t.resyncs.Add(1)
	}
}

// addPendingPurge records a Clear that failed in Redis. The pattern is not logged, because it may identify a student;
// nor is the part of err in which Redis repeats the arguments of an unknown command.
func (t *Tiered) addPendingPurge(pattern string, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case slices.Contains(t.pendingPurges, pattern):
	case len(t.pendingPurges) == maxPendingPurges:
		t.pendingPurges = []string{""}
	default:
		t.pendingPurges = append(t.pendingPurges, pattern)
	}
	if !t.purgesPending.Swap(true) {
		reason, _, _ := strings.Cut(why.Error(), ", with args")
		t.log.Warn("cache purge not delivered to Redis: reading nothing from Redis until it is", "error", reason)
	}
	t.wakeRun()
}

// Run writes pending changes to Redis and receives the Clears of other processes, until ctx ends.
func (t *Tiered) Run(ctx context.Context) error {
	var all sync.WaitGroup
	var err error
	all.Go(func() {
		err = t.redis.conn.Listen(ctx, map[string]func(string){t.clearChannel(): t.onClearMessage}, t.onResubscribed)
	})
	for ctx.Err() == nil {
		rest := time.NewTimer(time.Hour)
		if !t.flush(ctx) {
			rest.Reset(retryInterval)
		}
		select {
		case <-ctx.Done():
		case <-t.wake:
		case <-rest.C:
		}
		rest.Stop()
	}
	all.Wait()
	return err
}

// flush does all pending work, and reports whether nothing is left.
func (t *Tiered) flush(ctx context.Context) bool {
	if !t.redis.conn.Writable() {
		t.dropPending()
	}
	if !t.redis.conn.Up() {
		return !t.purgesPending.Load() && !t.lookupGate.slow.Load()
	}
	if t.lookupGate.slow.Load() {
		t.probeRedis(ctx)
	}
	return t.flushPurges(ctx) && t.writePending(ctx) && !t.lookupGate.slow.Load()
}

// probeRedis calls Redis, to find out whether it is in time again.
func (t *Tiered) probeRedis(ctx context.Context) {
	if done := t.lookupGate.start(func() { _, _ = t.redis.exists(ctx, t.redis.leaseName("")) }); done != nil {
		<-done
	}
}

// flushPurges retries the Clears that failed in Redis.
func (t *Tiered) flushPurges(ctx context.Context) bool {
	for {
		pattern, ok := t.nextPendingPurge()
		if !ok {
			return true
		}
		_, err := t.redis.purge(ctx, pattern, nil)
		if err == nil {
			err = t.publishClear(ctx, pattern)
		}
		if err != nil {
			t.addPendingPurge(pattern, err)
			return false
		}
	}
}

// nextPendingPurge removes a pattern from the list. purgesPending stays set until the list is empty.
func (t *Tiered) nextPendingPurge() (pattern string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pendingPurges) == 0 {
		t.purgesPending.Store(false)
		return "", false
	}
	pattern, t.pendingPurges = t.pendingPurges[0], t.pendingPurges[1:]
	return pattern, true
}

// writePending writes the pending changes to Redis.
func (t *Tiered) writePending(ctx context.Context) bool {
	for {
		n, err := t.writeBatch(ctx)
		if n == 0 || err != nil {
			return true
		}
		if t.purgesPending.Load() {
			return false
		}
	}
}

func (t *Tiered) writeBatch(ctx context.Context) (n int, err error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	t.mu.Lock()
	batch := t.queue.nextBatch(batchItems, batchBytes)
	t.mu.Unlock()
	if len(batch) == 0 {
		return 0, nil
	}
	if err := t.redis.write(ctx, batch); err != nil {
		t.dropPending()
		return 0, err
	}
	t.settleBatch(ctx, batch)
	return len(batch), nil
}

// settleBatch removes a written batch from the queue, and deletes the keys that were cleared while it was being written.
func (t *Tiered) settleBatch(ctx context.Context, batch []*pendingWrite) {
	var undone []string
	t.mu.Lock()
	for _, g := range batch {
		if g.cleared {
			undone = append(undone, g.key)
		}
		t.queue.dequeue(g)
	}
	t.mu.Unlock()
	if len(undone) == 0 {
		return
	}
	if err := t.redis.unlinkKeys(ctx, undone...); err != nil {
		for _, key := range undone {
			t.addPendingPurge(key, err)
		}
	}
}

// dropPending drops the pending changes while Redis is unreachable. This process may miss Clears that would have applied
// to them.
func (t *Tiered) dropPending() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue.order) > 0 {
		t.queue.dequeue(t.queue.order[0])
		t.queue.dropped++
	}
}
