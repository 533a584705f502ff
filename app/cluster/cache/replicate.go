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
	maxPendingPurges = 64 // patterns; with more, everything is cleared
	clearTimeout     = 5 * time.Second
	batchItems       = 32
	batchBytes       = 256 << 10
	retryInterval    = 50 * time.Millisecond
)

// Clear implements Cache, in this process, in Redis (see Redis.Clear; what takes longer
// than 5 s is retried later) and in every process that listens. The count is of this process and Redis.
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
	t.clearLocal(pattern) // what was fetched from Redis meanwhile
	if err = errors.Join(err, t.publishClear(ctx, pattern)); err != nil {
		t.addPendingPurge(pattern, err)
	}
	return len(mine) + n
}

// ClearLocal is Clear in this process only: for a process that has announced it already.
func (t *Tiered) ClearLocal(pattern string) { t.clearLocal(pattern) }

// waitForWrites returns when what was being written is in Redis, for the sweep to find.
func (t *Tiered) waitForWrites() {
	t.writing.Lock()
	defer t.writing.Unlock()
}

// clearLocal clears what this process holds, and gives the keys.
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

// publishClear tells the other processes of a Clear, after it was made in Redis: else they
// could fetch from there what they have just cleared.
func (t *Tiered) publishClear(ctx context.Context, pattern string) error {
	return t.redis.conn.Publish(ctx, t.clearChannel(), t.id+pattern)
}

// onClearMessage takes a message of another process, or its own, which it knows already.
func (t *Tiered) onClearMessage(message string) {
	if len(message) >= len(t.id) && message[:len(t.id)] != t.id {
		t.clearLocal(message[len(t.id):])
	}
}

// onResubscribed is told that the subscription stands.
func (t *Tiered) onResubscribed() {
	t.clearLocal("")
	if t.subscribed.Swap(true) {
		t.resyncs.Add(1)
	}
}

// addPendingPurge notes a Clear that Redis did not get, and why. The pattern may name a student, so it
// is not logged, nor are the arguments that Redis repeats where it knows no such command.
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

// Run passes on to Redis what was set, and hears what other processes clear, until ctx ends.
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

// flush does what there is to do, and reports whether that is all.
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

// probeRedis asks Redis whether it is in time again.
func (t *Tiered) probeRedis(ctx context.Context) {
	if done := t.lookupGate.start(func() { _, _ = t.redis.exists(ctx, t.redis.leaseName("")) }); done != nil {
		<-done
	}
}

// flushPurges makes good the Clears that Redis did not get.
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

// nextPendingPurge takes a pattern off the list. Clears stay pending until it finds none.
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

// writePending writes to Redis what waits for it.
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

// settleBatch takes a batch out, and deletes again what another process has cleared while it
// was written.
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

// dropPending drops what waits for a Redis that is away. When it is back, Clears may have been
// missed that were meant for this too.
func (t *Tiered) dropPending() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue.order) > 0 {
		t.queue.dequeue(t.queue.order[0])
		t.queue.dropped++
	}
}
