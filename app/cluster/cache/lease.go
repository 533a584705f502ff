package cache

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	leaseTTL          = 3 * time.Second // how long the lease of a dead process remains at most
	leasePollInterval = 50 * time.Millisecond
	leaseWaitTimeout  = 30 * time.Second // after this long, a process computes the value itself
	leaseMaxHold      = 10 * time.Minute // in case a holder never calls done
)

var (
	renewLease = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0`)
	endLease   = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`)
)

// lease is the right to compute the value of a key while other processes wait for it.
type lease struct {
	of    *Redis
	name  string
	token string
	done  chan struct{}
	end   func() // closes done; may be called again
}

func (r *Redis) leaseName(key string) string { return r.options.Space + "l:" + key }

// AcquireOrWait decides who computes the value of a key that was just missed, among all concurrent callers in all
// processes. The caller with lead true computes the value, calls Set, and then done. It must call done in any case; done
// does not block. The other callers wait until the value is in Redis and get lead false: Get finds it. If the leader
// finishes or dies without a value, or takes longer than 30 s, all callers lead; so they do while Redis is unreachable
// and when ctx ends.
//
// A goroutine renews the lease until done is called, for at most ten minutes.
func (r *Redis) AcquireOrWait(ctx context.Context, key string) (lead bool, done func()) {
	l, err := r.acquire(ctx, key)
	if err != nil {
		return true, func() {}
	}
	if l == nil {
		return !r.waitForRelease(ctx, key), func() {}
	}
	go l.renewUntilDone(context.WithoutCancel(ctx))
	if r.has(ctx, key) { // the previous leader finished between the caller's look-up and now
		l.end()
		return false, func() {}
	}
	return true, l.end
}

// acquire takes the lease of a key; it returns nil if another process has it.
func (r *Redis) acquire(ctx context.Context, key string) (*lease, error) {
	l := &lease{of: r, name: r.leaseName(key), token: rand.Text(), done: make(chan struct{})}
	l.end = sync.OnceFunc(func() { close(l.done) })
	taken := false
	err := r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		taken, err = c.SetNX(ctx, l.name, l.token, leaseTTL).Result()
		return err
	})
	if err != nil || !taken {
		return nil, err
	}
	return l, nil
}

// renewUntilDone renews the lease until done is closed, and then releases it.
func (l *lease) renewUntilDone(ctx context.Context) {
	beat, most := time.NewTicker(leaseTTL/3), time.NewTimer(leaseMaxHold)
	defer beat.Stop()
	defer most.Stop()
	for {
		select {
		case <-beat.C:
			l.runScript(ctx, renewLease, leaseTTL.Milliseconds())
			continue
		case <-most.C:
		case <-l.done:
		}
		l.runScript(ctx, endLease)
		return
	}
}

// runScript runs a script on the lease. If the script fails, the lease expires on its own.
func (l *lease) runScript(ctx context.Context, s *redis.Script, args ...any) {
	_ = l.of.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		return s.Run(ctx, c, []string{l.name}, append([]any{l.token}, args...)...).Err()
	})
}

// waitForRelease waits until the lease of a key is free, and reports whether the key then has a value.
func (r *Redis) waitForRelease(ctx context.Context, key string) bool {
	ctx, cancel := context.WithTimeout(ctx, leaseWaitTimeout)
	defer cancel()
	look := time.NewTicker(leasePollInterval)
	defer look.Stop()
	for {
		if held, err := r.exists(ctx, r.leaseName(key)); err != nil {
			return false
		} else if !held {
			return r.has(ctx, key) // checked after the lease, which is released once the value is stored
		}
		select {
		case <-ctx.Done():
			return false
		case <-look.C:
		}
	}
}

func (r *Redis) has(ctx context.Context, key string) bool {
	found, err := r.exists(ctx, r.name(key))
	return err == nil && found
}

func (r *Redis) exists(ctx context.Context, name string) (bool, error) {
	n := int64(0)
	err := r.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) (err error) {
		n, err = c.Exists(ctx, name).Result()
		return err
	})
	return n == 1, err
}
