package cache

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	leaseTTL          = 3 * time.Second // what a process that dies leaves of its lease, at the most
	leasePollInterval = 50 * time.Millisecond
	leaseWaitTimeout  = 30 * time.Second // who has waited for another's work as long does it too
	leaseMaxHold      = 10 * time.Minute // should a holder never say that it is done
)

var (
	renewLease = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) end return 0`)
	endLease   = redis.NewScript(`if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`)
)

// lease is the right to make the value of a key, while others wait for it.
type lease struct {
	of    *Redis
	name  string
	token string
	done  chan struct{}
	end   func() // closes done; may be called again
}

func (r *Redis) leaseName(key string) string { return r.options.Space + "l:" + key }

// AcquireOrWait settles who makes the value of a key that was just missed, of all that ask at the
// same time in whatever process. The one that leads makes it, calls Set, and then done,
// which must be called in any case and blocks for nothing. The others are held until there
// is a value, and are told lead false: Get has it. Where the leader is done or has died without a value,
// or takes longer than 30 s, all lead, and so they do while Redis is away and when ctx ends.
//
// The lease is renewed while its holder works, by a goroutine that ends with done, or after
// ten minutes.
func (r *Redis) AcquireOrWait(ctx context.Context, key string) (lead bool, done func()) {
	l, err := r.acquire(ctx, key)
	if err != nil {
		return true, func() {}
	}
	if l == nil {
		return !r.waitForRelease(ctx, key), func() {}
	}
	go l.renewUntilDone(context.WithoutCancel(ctx))
	if r.has(ctx, key) { // the leader before us was done between our look-up and now
		l.end()
		return false, func() {}
	}
	return true, l.end
}

// acquire takes the lease of a key; nil where another has it.
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

// renewUntilDone renews the lease until it is done, and gives it back.
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

// runScript runs a script on the lease. Where that fails the lease ends by itself.
func (l *lease) runScript(ctx context.Context, s *redis.Script, args ...any) {
	_ = l.of.conn.Do(ctx, func(ctx context.Context, c redis.UniversalClient) error {
		return s.Run(ctx, c, []string{l.name}, append([]any{l.token}, args...)...).Err()
	})
}

// waitForRelease waits until nobody has the lease of a key, and reports whether there is a value.
func (r *Redis) waitForRelease(ctx context.Context, key string) bool {
	ctx, cancel := context.WithTimeout(ctx, leaseWaitTimeout)
	defer cancel()
	look := time.NewTicker(leasePollInterval)
	defer look.Stop()
	for {
		if held, err := r.exists(ctx, r.leaseName(key)); err != nil {
			return false
		} else if !held {
			return r.has(ctx, key) // asked after the lease: it is given back when the value is there
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
