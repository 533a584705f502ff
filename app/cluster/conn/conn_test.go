package conn

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// journal is a log that can be read while it is being written.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(line))
	return len(line), nil
}

func (j *journal) read() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// opened returns a connection that runs until the test ends, and its log.
func opened(t *testing.T, address string, returned ...func()) (*Conn, *journal) {
	t.Helper()
	var log journal
	c, err := New(address, Options{Name: "test", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range returned {
		c.Returned(f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return c, &log
}

func set(c *Conn, key string) error {
	return c.Do(context.Background(), func(ctx context.Context, r redis.UniversalClient) error { return r.Set(ctx, key, "v", 0).Err() })
}

// wantNoCommandRun checks that commands fail before they are sent.
func wantNoCommandRun(t *testing.T, c *Conn) {
	t.Helper()
	begun := 0
	for range 1000 {
		err := c.Do(t.Context(), func(context.Context, redis.UniversalClient) error { begun++; return nil })
		if !errors.Is(err, ErrDown) {
			t.Fatal(err)
		}
	}
	if begun > 0 {
		t.Errorf("%d of 1000 commands were begun", begun)
	}
}

func TestCommandsFailAtOnceWhileRedisIsAwayAndWorkAgainWhenItIsBack(t *testing.T) {
	server := redistest.Start(t)
	returned := make(chan struct{}, 8)
	c, _ := opened(t, server.URL(), func() { returned <- struct{}{} })
	for range 3 {
		testkit.Eventually(t, "a command is carried out", func() bool { return set(c, "k") == nil })
		server.Kill()
		if err := set(c, "k"); !errors.Is(err, ErrDown) || c.Up() {
			t.Fatalf("with Redis dead: %v, up %v", err, c.Up())
		}
		wantNoCommandRun(t, c)
		server.Resume(t)
		testkit.Eventually(t, "Redis is back", c.Up)
		<-returned
	}
}

func TestAFrozenRedisCostsOneTimeout(t *testing.T) {
	server := redistest.Start(t)
	c, _ := opened(t, server.URL())
	testkit.Eventually(t, "a command is carried out", func() bool { return set(c, "k") == nil })
	server.Freeze(t)
	if err := set(c, "k"); !errors.Is(err, ErrDown) {
		t.Error(err)
	}
	wantNoCommandRun(t, c)
	server.Thaw(t)
	testkit.Eventually(t, "Redis is back", c.Up)
}

func TestACallersOwnEndIsNotRedissFault(t *testing.T) {
	server := redistest.Start(t)
	c, _ := opened(t, server.URL())
	for _, ctx := range []context.Context{ended(context.Canceled), late(t)} {
		err := c.Do(ctx, func(ctx context.Context, r redis.UniversalClient) error { return r.BLPop(ctx, 0, "none").Err() })
		if err == nil || errors.Is(err, ErrDown) || !c.Up() {
			t.Errorf("%v, up %v", err, c.Up())
		}
	}
	err := c.Do(t.Context(), func(ctx context.Context, r redis.UniversalClient) error { return r.Get(ctx, "none").Err() })
	if !errors.Is(err, redis.Nil) || !c.Up() {
		t.Errorf("a missing key: %v, up %v", err, c.Up())
	}
	err = c.Do(t.Context(), func(ctx context.Context, r redis.UniversalClient) error { return r.Do(ctx, "NONSENSE").Err() })
	if err == nil || errors.Is(err, ErrDown) || !c.Up() {
		t.Errorf("an unknown command: %v, up %v", err, c.Up())
	}
}

func ended(why error) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	return ctx
}

func late(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAReplicaThatMayOnlyBeReadIsAway(t *testing.T) {
	_, replica, _ := redistest.Sentinel(t)
	c, log := opened(t, replica.URL())
	testkit.Eventually(t, "it counts as away", func() bool { return !c.Up() })
	testkit.Pause(5 * probeDown) // by now it would be up again
	if lines := log.read(); c.Up() || len(lines) != 1 {
		t.Errorf("up %v, log: %q", c.Up(), lines)
	}
}

func TestARedisThatRefusesWritesAnswersReadsAndIsLoggedOnce(t *testing.T) {
	server := redistest.Start(t)
	returned := make(chan struct{}, 8)
	c, log := opened(t, server.URL(), func() { returned <- struct{}{} })
	testkit.Eventually(t, "a command is carried out", func() bool { return set(c, "k") == nil })
	server.Client(t).ConfigSet(t.Context(), "maxmemory", "1")
	for range 3 {
		if err := set(c, "k"); err == nil || errors.Is(err, ErrDown) {
			t.Fatalf("a write: %v", err)
		}
	}
	err := c.Do(t.Context(), func(ctx context.Context, r redis.UniversalClient) error { return r.Get(ctx, "k").Err() })
	if err != nil || !c.Up() || c.Writable() {
		t.Errorf("a read: %v, up %v, writable %v", err, c.Up(), c.Writable())
	}
	testkit.Pause(probeUp + 100*time.Millisecond) // the next probe has the same result
	if lines := log.read(); c.Writable() || len(lines) != 1 {
		t.Errorf("writable %v, log: %q", c.Writable(), lines)
	}
	server.Client(t).ConfigSet(t.Context(), "maxmemory", "0")
	testkit.Eventually(t, "it accepts writes again", c.Writable)
	<-returned
}

func TestARefusalSaysSoWithoutThePassword(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "the-right-one")
	for address, refused := range map[string]bool{
		"redis://" + server.Addr():                            true,
		"redis://:SECRET-wrong@" + server.Addr():              true,
		"redis://nobody:SECRET-wrong@" + server.Addr() + "/3": true,
		"redis://:the-right-one@" + server.Addr():             false,
		"redis://default:the%2Dright%2Done@" + server.Addr():  false,
		"rediss://:SECRET@" + server.Addr():                   false, // TLS to a plain port: unreachable, not refused
		"redis://:the-right-one@" + server.Addr() + "/16":     false, // only databases 0 to 15 exist
	} {
		c, err := New(address, Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Probe(t.Context())
		if Refused(err) != refused || (err != nil && strings.Contains(err.Error(), "SECRET")) {
			t.Errorf("%s: %v", address, err)
		}
		_ = c.Client().Close()
	}
}

func TestSentinelFailoverIsFollowed(t *testing.T) {
	master, _, url := redistest.Sentinel(t)
	c, _ := opened(t, url)
	if err := set(c, "k"); err != nil {
		t.Fatal(err)
	}
	master.Kill()
	testkit.Eventually(t, "the replica is master", func() bool { return set(c, "k") == nil })
}

func TestAClusterTakesKeysOfEverySlot(t *testing.T) {
	_, url := redistest.Cluster(t)
	c, _ := opened(t, url)
	for _, key := range strings.Split("abcdefghijklmnop", "") {
		if err := set(c, key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestThePoolIsBounded(t *testing.T) {
	server := redistest.Start(t)
	c, _ := opened(t, server.URL())
	waiting := make(chan error)
	for range poolSize {
		go func() { waiting <- c.Client().BLPop(t.Context(), 2*time.Second, "none").Err() }()
	}
	clients := func() int {
		list, err := server.Client(t).ClientList(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(list, "cmd=blpop")
	}
	testkit.Eventually(t, "all wait", func() bool { return clients() == poolSize })
	if err := c.Client().Ping(t.Context()).Err(); err == nil { // one more than the pool has
		t.Error("a connection more than the pool has")
	}
	for range poolSize {
		<-waiting
	}
}
