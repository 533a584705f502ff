package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"studysharper/app/redisconn"
)

const (
	maxOwed    = 64 // patterns; with more, everything is cleared
	clearWait  = 5 * time.Second
	batchItems = 32
	batchBytes = 256 << 10
	tryAgain   = 50 * time.Millisecond
)

// Clear implements Cache, in this process, in Redis (see Redis.Clear; what takes longer
// than 5 s is owed) and in every process that listens. The count is of this process and Redis.
func (t *Tiered) Clear(ctx context.Context, pattern string) int {
	mine := t.forget(pattern)
	if !t.trusted() {
		t.owe(pattern, redisconn.ErrDown)
		return len(mine)
	}
	ctx, cancel := context.WithTimeout(ctx, clearWait)
	defer cancel()
	t.awaitWriting()
	n, err := t.far.sweep(ctx, pattern, mine)
	t.forget(pattern) // what was fetched from Redis meanwhile
	if err = errors.Join(err, t.announce(ctx, pattern)); err != nil {
		t.owe(pattern, err)
	}
	return len(mine) + n
}

// Forget is Clear in this process only: for who has told the others already.
func (t *Tiered) Forget(pattern string) { t.forget(pattern) }

// awaitWriting returns when what was being written is in Redis, for the sweep to find.
func (t *Tiered) awaitWriting() {
	t.writing.Lock()
	defer t.writing.Unlock()
}

// forget clears what this process holds, and gives the keys.
func (t *Tiered) forget(pattern string) map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := make(map[string]bool)
	gone := func(key string) { keys[key] = true }
	t.near.clear(pattern, gone)
	t.out.clear(pattern, gone)
	for key := range t.lookups {
		if strings.Contains(key, pattern) {
			t.outdate(key)
		}
	}
	return keys
}

func (t *Tiered) channel() string { return t.far.o.Space + "clear" }

// announce tells the other processes of a Clear, after it was made in Redis: else they
// could fetch from there what they have just cleared.
func (t *Tiered) announce(ctx context.Context, pattern string) error {
	return t.far.conn.Publish(ctx, t.channel(), t.id+pattern)
}

// hear takes a message of another process, or its own, which it knows already.
func (t *Tiered) hear(message string) {
	if len(message) >= len(t.id) && message[:len(t.id)] != t.id {
		t.forget(message[len(t.id):])
	}
}

// resumed is told that the subscription stands.
func (t *Tiered) resumed() {
	t.forget("")
	if t.heard.Swap(true) {
		t.doubted.Add(1)
	}
}

// owe notes a Clear that Redis did not get, and why. The pattern may name a student, so it
// is not logged, nor are the arguments that Redis repeats where it knows no such command.
func (t *Tiered) owe(pattern string, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case slices.Contains(t.owed, pattern):
	case len(t.owed) == maxOwed:
		t.owed = []string{""}
	default:
		t.owed = append(t.owed, pattern)
	}
	if !t.owing.Swap(true) {
		reason, _, _ := strings.Cut(why.Error(), ", with args")
		t.log.Warn("Redis could not be told what to clear: nothing is taken from it until it is", "error", reason)
	}
	t.rouse()
}

// Run passes on to Redis what was set, and hears what other processes clear, until ctx ends.
func (t *Tiered) Run(ctx context.Context) error {
	var all sync.WaitGroup
	var err error
	all.Go(func() {
		err = t.far.conn.Listen(ctx, map[string]func(string){t.channel(): t.hear}, t.resumed)
	})
	for ctx.Err() == nil {
		rest := time.NewTimer(time.Hour)
		if !t.pass(ctx) {
			rest.Reset(tryAgain)
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

// pass does what there is to do, and reports whether that is all.
func (t *Tiered) pass(ctx context.Context) bool {
	if !t.far.conn.Up() {
		t.abandon()
		return !t.owing.Load() && !t.asking.slow.Load()
	}
	if t.asking.slow.Load() {
		t.probe(ctx)
	}
	return t.payOwed(ctx) && t.deliver(ctx) && !t.asking.slow.Load()
}

// probe asks Redis whether it is in time again.
func (t *Tiered) probe(ctx context.Context) {
	if done := t.asking.begin(func() { _, _ = t.far.exists(ctx, t.far.leaseName("")) }); done != nil {
		<-done
	}
}

// payOwed makes good the Clears that Redis did not get.
func (t *Tiered) payOwed(ctx context.Context) bool {
	for {
		pattern, ok := t.nextOwed()
		if !ok {
			return true
		}
		_, err := t.far.sweep(ctx, pattern, nil)
		if err == nil {
			err = t.announce(ctx, pattern)
		}
		if err != nil {
			t.owe(pattern, err)
			return false
		}
	}
}

// nextOwed takes a pattern off the list. Clears stay owed until it finds none.
func (t *Tiered) nextOwed() (pattern string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.owed) == 0 {
		t.owing.Store(false)
		return "", false
	}
	pattern, t.owed = t.owed[0], t.owed[1:]
	return pattern, true
}

// deliver writes to Redis what waits for it.
func (t *Tiered) deliver(ctx context.Context) bool {
	for {
		n, err := t.deliverSome(ctx)
		if n == 0 || err != nil {
			return true
		}
		if t.owing.Load() {
			return false
		}
	}
}

func (t *Tiered) deliverSome(ctx context.Context) (n int, err error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	t.mu.Lock()
	batch := t.out.batch(batchItems, batchBytes)
	t.mu.Unlock()
	if len(batch) == 0 {
		return 0, nil
	}
	if err := t.far.write(ctx, batch); err != nil {
		t.abandon()
		return 0, err
	}
	t.delivered(ctx, batch)
	return len(batch), nil
}

// delivered takes a batch out, and deletes again what another process has cleared while it
// was written.
func (t *Tiered) delivered(ctx context.Context, batch []*outgoing) {
	var undone []string
	t.mu.Lock()
	for _, g := range batch {
		if g.undone {
			undone = append(undone, g.key)
		}
		t.out.remove(g)
	}
	t.mu.Unlock()
	if len(undone) == 0 {
		return
	}
	if err := t.far.drop(ctx, undone...); err != nil {
		for _, key := range undone {
			t.owe(key, err)
		}
	}
}

// abandon drops what waits for a Redis that is away. When it is back, Clears may have been
// missed that were meant for this too.
func (t *Tiered) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := t.out.order.first; l != nil; l = t.out.order.first {
		t.out.remove(l.owner)
		t.out.dropped++
	}
}
