package journal

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// orphanKey identifies a run in the messages of Redis.
type orphanKey struct{ session, run string }

// superviseLeases renews this process's lease until ctx ends. The process with the lowest id among those alive also
// sweeps.
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

// renew renews the lease, and sweeps if that is this process's task.
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
			continue // one node of a cluster may be unreachable
		}
		for a := newAnswer(reply); len(a.rest) > 0; {
			j.writers = append(j.writers, a.text())
		}
	}
}

// findDead returns the writers that have no lease now and had none at the last check. Two checks are needed so that no
// process is declared dead because Redis's clock jumped.
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

// canDeclareDead reports whether a missing lease means that a process is dead. It does not in the first two lease
// periods after an outage of Redis, since no process could renew its lease.
func (j *Journal) canDeclareDead() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return time.Since(j.since) > 2*j.o.Lease
}

// lease takes or renews the lease, and returns the processes that hold one.
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

// ensureLease takes a lease before this process's first run begins.
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

// sweep removes the state of sessions without waiters, and old offers.
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

// returned is called whenever Redis is reachable again. Redis may have lost everything, so this process checks whether
// its open runs still exist, and waiting readers read again.
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

// resumed is called whenever the subscription is established; messages may have been missed before.
func (j *Journal) resumed() {
	j.mu.Lock()
	j.hears = true
	j.mu.Unlock()
	j.requeueReaders(true)
}

// requeueReaders queues a read of every session that has waiters.
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
