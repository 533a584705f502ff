package journal

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// orphanKey names a run as Redis tells of it.
type orphanKey struct{ session, run string }

// superviseLeases renews this process's lease, and is the sweeper while it has the lowest id of
// the living, until ctx ends.
func (j *Journal) superviseLeases(ctx context.Context) {
	tick := time.NewTicker(max(min(j.o.Lease, j.o.StaleAfter)/5, 10*time.Millisecond))
	defer tick.Stop()
	next := time.Now().Add(poll)
	for {
		j.renew(ctx)
		now := time.Now()
		j.sweep(now)
		if now.After(next) {
			j.requeueReaders(false)
			next = now.Add(poll + rand.N(poll/4))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// renew renews the lease, and sweeps where that is this process's to do.
func (j *Journal) renew(ctx context.Context) {
	living, err := j.lease(ctx)
	if err != nil || slices.Min(living) != j.id {
		j.writers, j.absent = nil, nil
		return
	}
	dead := j.findDead(j.writers, living)
	j.writers = nil
	for _, base := range j.bases {
		reply, err := j.call(ctx, j.scripts.sweep, base, dead...)
		if err != nil {
			continue // of a cluster's nodes one may be away
		}
		for a := newAnswer(reply); len(a.rest) > 0; {
			j.writers = append(j.writers, a.text())
		}
	}
}

// findDead are the writers that have no lease now and had none at the last look either,
// so that a step of Redis's clock kills nobody.
func (j *Journal) findDead(writers, living []string) (dead []any) {
	var absent []string
	for _, id := range writers {
		if slices.Contains(living, id) {
			continue
		}
		absent = append(absent, id)
		if slices.Contains(j.absent, id) && j.canDeclareDead() {
			dead = append(dead, id)
		}
	}
	j.absent = absent
	return dead
}

// canDeclareDead reports whether who has no lease is dead: for two leases after Redis was away
// nobody is, since none could renew then.
func (j *Journal) canDeclareDead() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return time.Since(j.since) > 2*j.o.Lease
}

// lease takes or renews the lease, and gives who else has one.
func (j *Journal) lease(ctx context.Context) ([]string, error) {
	reply, err := j.call(ctx, j.scripts.lease, leases, j.id, milliseconds(j.o.Lease))
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.since, j.leased = time.Now(), false
		return nil, err
	}
	a := newAnswer(reply)
	var living []string
	for len(a.rest) > 0 && !a.odd {
		living = append(living, a.text())
	}
	if a.odd || !slices.Contains(living, j.id) {
		return nil, errOdd
	}
	j.leased = true
	return living, nil
}

// ensureLease makes this process one of the living before its first run begins.
func (j *Journal) ensureLease(ctx context.Context) error {
	j.mu.Lock()
	leased := j.leased
	j.mu.Unlock()
	if leased {
		return nil
	}
	_, err := j.lease(ctx)
	return err
}

func (j *Journal) giveUpLease(ctx context.Context) {
	_ = j.conn.Do(ctx, func(ctx context.Context, r redis.UniversalClient) error { return r.ZRem(ctx, leases, j.id).Err() })
}

// sweep forgets sessions that nobody waits for any more, and old offers.
func (j *Journal) sweep(now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.watches {
		if len(s.waiters) == 0 && now.Sub(s.left) > idle {
			j.unwatch(s)
		}
	}
	for key, at := range j.offered {
		if now.Sub(at) > 2*j.o.RepeatWithin {
			delete(j.offered, key)
		}
	}
}

// returned follows every return of Redis, which may have lost everything: this process looks
// whether its runs are there, and what its readers wait for.
func (j *Journal) returned() {
	j.mu.Lock()
	j.since, j.leased = time.Now(), false
	for _, r := range j.runs {
		j.send(r)
	}
	j.mu.Unlock()
	j.requeueReaders(true)
	time.AfterFunc(grace+pause, func() { j.requeueReaders(false) })
}

// resumed follows every start of the subscription: something may have been missed.
func (j *Journal) resumed() {
	j.mu.Lock()
	j.hears = true
	j.mu.Unlock()
	j.requeueReaders(true)
}

// requeueReaders has every session read that somebody waits for.
func (j *Journal) requeueReaders(doubt bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.watches {
		s.fresh = s.fresh && !doubt
		if len(s.waiters) > 0 {
			j.looks.push(s)
		}
	}
}
