// Package conn is the one way to the Redis that all instances share. The one idea:
// nobody waits for a Redis that is known to be away. A command that finds it silent marks
// it so; from then on commands fail at once, without a packet sent, while one goroutine
// asks until it answers again.
package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"studysharper/app/config"
	"studysharper/app/study"
)

// Timeout is how long a command may take where Options say nothing else, with dialling
// and the wait for a connection.
const Timeout = 250 * time.Millisecond

// The bounds of every connection.
const (
	poolSize    = 16      // connections of a process, to each node of a cluster
	bufferBytes = 8 << 10 // read and write buffer of each; go-redis takes 32 kB
	idleTime    = 5 * time.Minute
	aliveKey    = "studysharper:alive"
	askDown     = 100 * time.Millisecond // between two looks whether it is back
	askUp       = time.Second            // and whether it is still there
)

// ErrDown is what commands fail with while Redis is away.
var ErrDown = study.Errorf(study.CodeUnavailable, "Redis does not answer")

// Options are a connection's.
type Options struct {
	Name    string        // by which Redis lists the client
	Timeout time.Duration // of a command, above 0; 0 = Timeout
	Log     *slog.Logger
}

// Conn is a bounded pool of connections to one deployment: a single Redis, one that
// sentinels watch, or a cluster. It is safe for concurrent use.
type Conn struct {
	client  redis.UniversalClient
	timeout time.Duration
	log     *slog.Logger
	up      atomic.Bool
	falls   atomic.Uint64
	looked  chan struct{} // 1: a command has failed, so look now

	mu    sync.Mutex
	hooks []func()
}

// New makes a connection to what the address names (see config.ParseRedis); it dials nothing.
// Redis counts as answering until a command or Run finds otherwise.
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
	c := &Conn{client: redis.NewUniversalClient(u), timeout: o.Timeout, log: o.Log, looked: make(chan struct{}, 1)}
	c.up.Store(true)
	return c, nil
}

func universal(a config.RedisAddress) *redis.UniversalOptions {
	u := &redis.UniversalOptions{Addrs: a.Hosts, MasterName: a.Master, IsClusterMode: a.Cluster, DB: a.DB, Username: a.User, Password: a.Password,
		SentinelUsername: a.SentinelUser, SentinelPassword: a.SentinelPassword}
	if a.TLS {
		u.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12} // the name to expect is each host's own
	}
	return u
}

// silent drops go-redis's own log lines, one for each failed dial: mark says it once.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// tune makes a dead Redis a matter of milliseconds, and holds what connections cost.
// Nothing is sent again on its own: a repeated append would be a second event.
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

// Client is the pool itself, for scripts and subscriptions. What fails through it is to
// be told to Report.
func (c *Conn) Client() redis.UniversalClient { return c.client }

// Up reports whether Redis is believed to answer.
func (c *Conn) Up() bool { return c.up.Load() }

// Falls counts how often Redis was found away. What was heard of it before the number
// changed may have been followed by something unheard.
func (c *Conn) Falls() uint64 { return c.falls.Load() }

// Do runs a command within the connection's timeout, or gives ErrDown at once while Redis is away. Of
// f's errors those that say Redis is away become ErrDown too; ctx's own stay.
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
	if c.Report(err) {
		return ErrDown
	}
	return err
}

// over reports whether ctx has ended, or does right now: a connection's deadline is
// ctx's own, and may be noticed before that is.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || (ok && !time.Now().Before(deadline))
}

// Report takes a command's outcome, and tells whether it means that Redis is away.
func (c *Conn) Report(err error) (away bool) {
	if !isAway(err) {
		return false
	}
	c.mark(err)
	select {
	case c.looked <- struct{}{}:
	default:
	}
	return true
}

// Returned has f called, on Run's goroutine, whenever Redis answers again after it was
// away: what it held before may be gone. f must not block. Call it before Run.
func (c *Conn) Returned(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = append(c.hooks, f)
}

// Run asks Redis whether it is there, until ctx ends, and then closes every connection:
// once a second while it is, ten times while it is not.
func (c *Conn) Run(ctx context.Context) error {
	defer func() { _ = c.client.Close() }()
	for {
		c.ask(ctx)
		rest := time.NewTimer(map[bool]time.Duration{true: askUp, false: askDown}[c.Up()])
		select {
		case <-ctx.Done():
			rest.Stop()
			return nil
		case <-rest.C:
		case <-c.looked:
			rest.Stop()
		}
	}
}

// Probe asks Redis once, whatever is believed of it, by writing a key: a replica that
// may only be read answers a ping too. The error is as it came, see Refused.
func (c *Conn) Probe(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := c.client.Set(within, aliveKey, "1", time.Minute).Err()
	if isAway(err) {
		return err
	}
	return nil
}

// Eviction is Redis's maxmemory-policy; "" where it does not tell.
func (c *Conn) Eviction(ctx context.Context) string {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	const setting = "maxmemory-policy"
	settings, _ := c.client.ConfigGet(within, setting).Result() // many a provider has that switched off
	return settings[setting]
}

// Refused reports whether an error says that Redis is there and will not have us: time
// does not mend that.
func Refused(err error) bool {
	return begins(err, "NOAUTH ", "WRONGPASS ", "NOPERM ")
}

func (c *Conn) ask(ctx context.Context) {
	err := c.Probe(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		c.mark(err)
	case c.up.CompareAndSwap(false, true):
		c.log.Info("Redis answers again")
		c.mu.Lock()
		hooks := c.hooks
		c.mu.Unlock()
		for _, f := range hooks {
			f()
		}
	}
}

// mark notes that Redis is away, and why, once.
func (c *Conn) mark(why error) {
	if !c.up.Load() {
		return
	}
	c.falls.Add(1) // before it can be up again
	if c.up.CompareAndSwap(true, false) {
		c.log.Warn("Redis unreachable: running standalone until it answers", "error", why)
	}
}

// isAway reports whether an error means that nothing can be had of Redis for now. Other
// answers of a Redis that is there, and nil, do not.
func isAway(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) || errors.Is(err, context.Canceled) {
		return false
	}
	if reply := redis.Error(nil); !errors.As(err, &reply) {
		return true // of the network, or of the pool
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
