// Package conn is the connection to the Redis that all instances share. No caller waits for a Redis that is known to be
// unreachable: the first command that fails marks it as down. From then on commands fail at once, while one goroutine
// probes Redis until it answers again.
package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"studysharper/app/config"
	"studysharper/app/study"
)

// Timeout is the default timeout of a command, including dialling and waiting for a connection.
const Timeout = 250 * time.Millisecond

// The bounds of every connection.
const (
	poolSize    = 16      // connections per process, to each node of a cluster
	bufferBytes = 8 << 10 // size of the read and of the write buffer of each; go-redis's default is 32 kB
	idleTime    = 5 * time.Minute
	aliveKey    = "studysharper:alive"
	probeDown   = 100 * time.Millisecond // interval of probes while it is down
	probeUp     = time.Second            // and while it answers
)

// ErrDown is the error of commands while Redis is unreachable.
var ErrDown = study.Errorf(study.CodeUnavailable, "Redis does not answer")

// Options configure a connection.
type Options struct {
	Name    string        // shown in Redis's list of clients
	Timeout time.Duration // of a command, above 0; 0 = Timeout
	Log     *slog.Logger
}

// Conn is a bounded pool of connections to a single Redis, a Redis with sentinels, or a cluster. It is safe for concurrent use.
type Conn struct {
	client  redis.UniversalClient
	timeout time.Duration
	log     *slog.Logger
	up      atomic.Bool
	full    atomic.Bool // it refuses writes
	falls   atomic.Uint64
	failed  chan struct{} // 1: a command has failed, so probe now
	hooks   []func()
}

// New returns a connection to an address (see config.ParseRedis). It does not dial: Redis counts as up until a command or Run
// finds otherwise.
func New(address string, o Options) (*Conn, error) {
	a, err := config.ParseRedis(address)
	if err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = Timeout
	}
	u := universal(a)
	tune(u, o)
	redis.SetLogger(silent{})
	c := &Conn{client: redis.NewUniversalClient(u), timeout: o.Timeout, log: o.Log, failed: make(chan struct{}, 1)}
	c.up.Store(true)
	return c, nil
}

func universal(a config.RedisAddress) *redis.UniversalOptions {
	u := &redis.UniversalOptions{Addrs: a.Hosts, MasterName: a.Master, IsClusterMode: a.Cluster, DB: a.DB, Username: a.User, Password: a.Password,
		SentinelUsername: a.SentinelUser, SentinelPassword: a.SentinelPassword}
	if a.TLS {
		u.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // the server name is that of each host
	}
	return u
}

// silent discards go-redis's log lines, one per failed dial. markAway logs an outage once.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// tune limits the time that a dead Redis costs, and the memory of connections. It disables retries, since a repeated
// append would add a second event.
func tune(u *redis.UniversalOptions, o Options) {
	u.ClientName = o.Name
	u.ContextTimeoutEnabled = true
	u.MaxRetries, u.DialerRetries, u.DialerRetryTimeout = -1, 1, time.Millisecond
	u.DialTimeout, u.ReadTimeout, u.WriteTimeout, u.PoolTimeout = o.Timeout, o.Timeout, o.Timeout, o.Timeout
	u.PoolSize, u.PipelinePoolSize, u.ConnMaxIdleTime = poolSize, -1, idleTime
	u.ReadBufferSize, u.WriteBufferSize = bufferBytes, bufferBytes
	u.DisableIdentity = true
	u.FailingTimeoutSeconds = 1
	u.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// Client returns the pool, for callers that do not need Do.
func (c *Conn) Client() redis.UniversalClient { return c.client }

// Up reports whether Redis answered when it was last used.
func (c *Conn) Up() bool { return c.up.Load() }

// Writable reports whether Redis answered when it was last used and accepts writes. A Redis that is out of memory, or
// cannot save, only answers reads.
func (c *Conn) Writable() bool { return c.Up() && !c.full.Load() }

// Falls counts how often Redis was found unreachable. If the number has changed, messages may
// have been missed in between.
func (c *Conn) Falls() uint64 { return c.falls.Load() }

// Do runs a command within the connection's timeout, or returns ErrDown at once while Redis is
// unreachable. Errors of f that mean that Redis is unreachable become ErrDown; ctx's own stay.
func (c *Conn) Do(ctx context.Context, f func(context.Context, redis.UniversalClient) error) error {
	if !c.Up() {
		return ErrDown
	}
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := f(within, c.client)
	if err != nil && over(ctx) {
		return errors.Join(context.Cause(ctx), err)
	}
	if c.report(err) {
		return ErrDown
	}
	return err
}

// over reports whether ctx has ended, or is about to: a connection has ctx's deadline, and may
// fail before ctx ends.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || (ok && !time.Now().Before(deadline))
}

// report evaluates a command's error, and reports whether it means that Redis is unreachable.
func (c *Conn) report(err error) (away bool) {
	if refusesWrites(err) {
		c.markFull(err)
	}
	if !isAway(err) {
		return false
	}
	c.markAway(err)
	select {
	case c.failed <- struct{}{}:
	default:
	}
	return true
}

// Returned registers f, which Run's goroutine calls whenever Redis answers or accepts writes again, in case Redis has
// lost data. f must not block. Call Returned before Run.
func (c *Conn) Returned(f func()) { c.hooks = append(c.hooks, f) }

// Run probes Redis until ctx ends, every second while it answers and ten times a second while it does not. Then it closes all
// connections.
func (c *Conn) Run(ctx context.Context) error {
	defer func() { _ = c.client.Close() }()
	for {
		c.probe(ctx)
		interval := probeUp
		if !c.Up() {
			interval = probeDown
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		case <-c.failed:
		}
	}
}

// Probe checks Redis once, even while it is down. It writes a key, because a read-only replica also answers a ping. The
// error is Redis's own; see Refused.
func (c *Conn) Probe(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := c.client.Set(within, aliveKey, "1", time.Minute).Err()
	if isAway(err) || refusesWrites(err) {
		return err
	}
	return nil
}

// Eviction returns Redis's maxmemory-policy; "" if it is not known.
func (c *Conn) Eviction(ctx context.Context) string {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	const setting = "maxmemory-policy"
	settings, _ := c.client.ConfigGet(within, setting).Result() // many providers disable it
	return settings[setting]
}

// Refused reports whether an error means that Redis rejects our credentials.
func Refused(err error) bool {
	return begins(err, "NOAUTH ", "WRONGPASS ", "NOPERM ")
}

func (c *Conn) probe(ctx context.Context) {
	err := c.Probe(ctx)
	switch {
	case ctx.Err() != nil:
		return
	case isAway(err):
		c.markAway(err)
		return
	case err != nil:
		c.markFull(err)
	}
	wasAway, wasFull := !c.up.Swap(true), err == nil && c.full.Swap(false)
	switch {
	case wasAway:
		c.log.Info("Redis answers again")
	case wasFull:
		c.log.Info("Redis accepts writes again")
	default:
		return
	}
	for _, f := range c.hooks {
		f()
	}
}

// markAway marks Redis as down, and logs the reason once.
func (c *Conn) markAway(why error) {
	if !c.up.Load() {
		return
	}
	c.falls.Add(1) // before it can be up again
	if c.up.CompareAndSwap(true, false) {
		c.log.Warn("Redis unreachable: running standalone until it answers", "error", why)
	}
}

// markFull marks Redis as refusing writes, and logs the reason once.
func (c *Conn) markFull(why error) {
	if !c.full.Swap(true) {
		c.log.Warn("Redis refuses writes: events and answers stay in this instance until it accepts them", "error", why)
	}
}

// refusesWrites reports whether an error means that Redis accepts no writes for now.
func refusesWrites(err error) bool { return begins(err, "OOM ", "MISCONF ") }

// isAway reports whether an error means that Redis cannot be used for now. Other replies of a
// Redis that answers, and nil, do not.
func isAway(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) || errors.Is(err, context.Canceled) {
		return false
	}
	if reply := redis.Error(nil); !errors.As(err, &reply) {
		return true // from the network or the pool
	}
	return Refused(err) || begins(err, "LOADING ", "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ", "NOREPLICAS ", "ERR max number of clients")
}

// begins reports whether a reply of Redis begins with any of the prefixes.
func begins(err error, prefixes ...string) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, prefix := range prefixes {
		if strings.HasPrefix(reply.Error(), prefix) {
			return true
		}
	}
	return false
}
