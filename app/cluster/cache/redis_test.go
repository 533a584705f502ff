package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	near "studysharper/app/cache"
	"studysharper/app/cache/cachetest"
	"studysharper/app/cluster/cache"
	"studysharper/app/cluster/conn"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

var ctx = context.Background()

// patient is the timeout of tests that are not about time: a busy machine may delay a
// command for longer than the service waits for it.
const patient = 5 * time.Second

// connected returns a connection with a long timeout, which runs until the test ends.
func connected(t testing.TB, address string) *conn.Conn {
	t.Helper()
	return connectedFor(t, address, patient)
}

// connectedFor is connected with a given timeout; 0 means the service's.
func connectedFor(t testing.TB, address string, timeout time.Duration) *conn.Conn {
	t.Helper()
	c, err := conn.New(address, conn.Options{Name: "test", Timeout: timeout, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	runs(t, c.Run)
	return c
}

// runs calls run until the test ends.
func runs(t testing.TB, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func inRedis(t testing.TB, c *conn.Conn, o cache.RedisOptions) *cache.Redis {
	t.Helper()
	r, err := cache.NewRedis(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// commandCount counts the commands that a connection sends to Redis.
type commandCount struct{ atomic.Int64 }

func countCommands(c *conn.Conn) *commandCount {
	n := &commandCount{}
	c.Client().AddHook(n)
	return n
}

// DialHook, ProcessHook and ProcessPipelineHook implement redis.Hook.
func (n *commandCount) DialHook(next redis.DialHook) redis.DialHook { return next }

func (n *commandCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { n.Add(1); return next(ctx, cmd) }
}

func (n *commandCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, all []redis.Cmder) error { n.Add(int64(len(all))); return next(ctx, all) }
}

// wantRedisLeftAlone makes a hundred requests that all miss, and checks that hardly any command reaches
// Redis: only probes for whether it is back, up to thirty a second.
func wantRedisLeftAlone(t *testing.T, p *process) {
	t.Helper()
	const requests = 100
	began := time.Now()
	late, commands := p.Stats().Late, countCommands(p.conn)
	for i := range requests {
		key := fmt.Sprint("never there ", i)
		p.Get(ctx, key)
		_, done := p.AcquireOrWait(ctx, key)
		p.Set(ctx, "other", nil)
		done()
	}
	most := requests/5 + int(30*time.Since(began).Seconds())
	if n := int(commands.Load()); n > most {
		t.Errorf("%d requests gave %d commands to a Redis that is away", requests, n)
	}
	if n := int(p.Stats().Late - late); n > most {
		t.Errorf("%d requests waited %d times for a Redis that is away", requests, n)
	}
}

func hit(c near.Cache, key, want string) bool {
	got, _, ok := c.Get(ctx, key)
	return ok && string(got) == want
}

func missed(c near.Cache, key string) bool {
	_, _, ok := c.Get(ctx, key)
	return !ok
}

func TestRedisConforms(t *testing.T) {
	server := redistest.Start(t)
	_, clusterURL := redistest.Cluster(t)
	for name, url := range map[string]string{"single": server.URL(), "cluster": clusterURL} {
		t.Run(name, func(t *testing.T) {
			conn := connected(t, url)
			cachetest.RunInRealTime(t, func(t *testing.T, b cachetest.Bounds) near.Cache {
				return inRedis(t, conn, cache.RedisOptions{TTL: b.TTL, MaxEntryBytes: int(b.MaxBytes / 2), Space: t.Name() + ":"})
			})
		})
	}
}

func TestRedisRefusesOptionsOutOfBounds(t *testing.T) {
	conn, err := conn.New("redis://127.0.0.1:1", conn.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	const month = 30 * 24 * time.Hour
	inRedis(t, conn, cache.RedisOptions{TTL: month, MaxEntryBytes: 64 << 20})
	inRedis(t, conn, cache.RedisOptions{TTL: 10 * time.Millisecond})
	for field, o := range map[string]cache.RedisOptions{
		"TTL, below":           {TTL: -1},
		"TTL, short":           {TTL: 10*time.Millisecond - 1},
		"TTL, long":            {TTL: month + 1},
		"MaxEntryBytes, below": {MaxEntryBytes: -1},
		"MaxEntryBytes, above": {MaxEntryBytes: 64<<20 + 1},
	} {
		_, err := cache.NewRedis(conn, o)
		if e, ok := errors.AsType[*study.Error](err); !ok || e.Code != study.CodeInvalid || len(e.Faults) != 1 {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestRedisHoldsLargeValuesCompressedAndSmallOnesAsTheyAre(t *testing.T) {
	server := redistest.Start(t)
	r := inRedis(t, connected(t, server.URL()), cache.RedisOptions{})
	for size, packed := range map[int]bool{4 << 10: false, 4<<10 + 1: true, 100_000: true} {
		value := strings.Repeat("mitosis ", size/8+1)[:size]
		r.Set(ctx, "key", []byte(value))
		held := server.Client(t).StrLen(ctx, "studysharper:c:key").Val()
		if packed != (held < int64(size)/2) || held > int64(size)+22 {
			t.Errorf("%d bytes are held in %d", size, held)
		}
		if !hit(r, "key", value) {
			t.Errorf("a value of %d bytes is lost", size)
		}
	}
}

func TestRedisEntriesEndWithinTheLastTenthOfTheirTime(t *testing.T) {
	server := redistest.Start(t)
	r := inRedis(t, connected(t, server.URL()), cache.RedisOptions{TTL: 100 * time.Second})
	forever := inRedis(t, connected(t, server.URL()), cache.RedisOptions{Space: "forever:"})
	shortest, longest := time.Hour, time.Duration(0)
	for i := range 200 {
		key := fmt.Sprint(i)
		r.Set(ctx, key, nil)
		left := server.Client(t).PTTL(ctx, "studysharper:c:"+key).Val()
		shortest, longest = min(shortest, left), max(longest, left)
	}
	if shortest < 89*time.Second || longest > 100*time.Second || longest-shortest < 5*time.Second {
		t.Errorf("between %v and %v are left of 100 s", shortest, longest)
	}
	forever.Set(ctx, "key", nil)
	if left := server.Client(t).PTTL(ctx, "forever:c:key").Val(); left < 26*24*time.Hour || left > 30*24*time.Hour {
		t.Errorf("an entry without a TTL has %v left: volatile policies could not evict it", left)
	}
}

func TestRedisRefusesTheLarge(t *testing.T) {
	server := redistest.Start(t)
	r := inRedis(t, connected(t, server.URL()), cache.RedisOptions{MaxEntryBytes: 500})
	just := strings.Repeat("v", 497)
	r.Set(ctx, "key", []byte(just))
	if !hit(r, "key", just) {
		t.Error("an entry of just MaxEntryBytes is lost")
	}
	r.Set(ctx, "key", []byte(just+"v"))
	if !missed(r, "key") || r.Stats().Refused != 1 || server.Client(t).DBSize(ctx).Val() > 1 { // besides the connection's own key
		t.Errorf("one past: %+v", r.Stats())
	}
	if !missed(r, strings.Repeat("k", 501)) {
		t.Error("a key over the bound is found")
	}
}

// Whatever is stored under a key: it is a miss, counted and deleted, and it costs no more
// memory than an entry may.
func TestRedisTrustsNothingThatIsNotWhatWasSet(t *testing.T) {
	server := redistest.Start(t)
	raw := server.Client(t)
	r := inRedis(t, connected(t, server.URL()), cache.RedisOptions{TTL: time.Minute, MaxEntryBytes: 200_000})
	long := strings.Repeat("mitosis ", 10_000)
	r.Set(ctx, "short", []byte("value"))
	r.Set(ctx, "long", []byte(long))
	short := raw.Get(ctx, "studysharper:c:short").Val()
	packed := raw.Get(ctx, "studysharper:c:long").Val()
	roomy := inRedis(t, connected(t, server.URL()), cache.RedisOptions{TTL: time.Minute, MaxEntryBytes: 64 << 20, Space: "bomb:"})
	roomy.Set(ctx, "short", make([]byte, 5<<20))
	bomb := raw.Get(ctx, "bomb:c:short").Val()
	if len(bomb) <= 22 || len(bomb) > 1000 {
		t.Fatalf("the bomb of 5 MB has %d bytes", len(bomb))
	}
	change := func(s string, at int) string { b := []byte(s); b[at] ^= 1; return string(b) }
	poison := map[string]string{
		"text": "not a parcel at all, but text", "a byte": "x", "head alone": short[:22], "cut": short[:len(short)-1],
		"cut packed": packed[:len(packed)/2], "longer": short + "x", "another key's": packed, "a bomb": bomb, "larger than any": strings.Repeat("x", 5<<20),
	}
	for at := range short {
		poison[fmt.Sprint("byte ", at)] = change(short, at)
	}
	broken := uint64(0)
	for name, value := range poison {
		for _, ttl := range []time.Duration{30 * time.Second, 0} {
			raw.Set(ctx, "studysharper:c:short", value, ttl)
			broken++
			if !missed(r, "short") || r.Stats().Corrupt != broken || raw.Exists(ctx, "studysharper:c:short").Val() != 0 {
				t.Fatalf("%s, TTL %v: %+v", name, ttl, r.Stats())
			}
		}
	}
	raw.Set(ctx, "studysharper:c:short", short, time.Hour) // lives longer than its recorded TTL
	raw.Del(ctx, "studysharper:c:long")
	raw.LPush(ctx, "studysharper:c:long", "a list")
	if !missed(r, "short") || !missed(r, "long") || r.Stats().Corrupt != broken+2 {
		t.Errorf("%+v, want %d broken", r.Stats(), broken+2)
	}
	r.Set(ctx, "long", []byte(long))
	if !hit(r, "long", long) {
		t.Error("a new value does not take the place of a broken one")
	}
}

func TestRedisThatIsFullLosesEntriesAndServesTheRest(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	conn := connected(t, server.URL())
	r := inRedis(t, conn, cache.RedisOptions{TTL: time.Minute})
	noise := noise(100_000)
	r.Set(ctx, "first", []byte("kept"))
	r.Set(ctx, "second", []byte("overwritten"))
	n := 0
	for ; r.Stats().Dropped == 0 && n < 100; n++ {
		r.Set(ctx, fmt.Sprint("filler ", n), noise)
	}
	if conn.Writable() || n < 10 || !conn.Up() {
		t.Fatalf("writable %v after %d, up %v: %+v", conn.Writable(), n, conn.Up(), r.Stats())
	}
	r.Set(ctx, "second", noise)
	if !hit(r, "first", "kept") || !missed(r, "second") {
		t.Error("what a full Redis has is not served, or what it would not take is")
	}
	if r.Clear(ctx, "filler") == 0 {
		t.Error("a full Redis cannot be cleared")
	}
	r.Set(ctx, "second", noise)
	if !hit(r, "second", string(noise)) {
		t.Error("it is still full after it was cleared")
	}
	testkit.Eventually(t, "it accepts writes again", conn.Writable)
}

func TestRedisThatEvictsIsNeverFull(t *testing.T) {
	server := redistest.Start(t, "--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru")
	conn := connected(t, server.URL())
	r := inRedis(t, conn, cache.RedisOptions{TTL: time.Minute})
	for i := range 100 {
		r.Set(ctx, fmt.Sprint(i), noise(100_000))
	}
	if !conn.Writable() {
		t.Errorf("%+v", r.Stats())
	}
	testkit.Eventually(t, "it serves", func() bool { // among keys of the same second, Redis evicts any
		r.Set(ctx, "key", []byte("value"))
		return hit(r, "key", "value")
	})
}

// noise returns bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint64(1)
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = byte(x >> 56)
	}
	return b
}

func TestRedisClearsOnlyTheCachesOwnKeys(t *testing.T) {
	server := redistest.Start(t)
	raw := server.Client(t)
	r := inRedis(t, connected(t, server.URL()), cache.RedisOptions{})
	for i := range 2500 { // more than one step of a scan
		raw.Set(ctx, fmt.Sprint("studysharper:other:", i), "x", 0)
		r.Set(ctx, fmt.Sprint("mine ", i), nil)
	}
	before := raw.DBSize(ctx).Val()
	if n := r.Clear(ctx, "studysharper"); n != 0 {
		t.Errorf("the pattern matched what keys begin with: %d", n)
	}
	if n := r.Clear(ctx, ""); n != 2500 || raw.DBSize(ctx).Val() != before-2500 {
		t.Errorf("cleared %d, %d of %d keys left", n, raw.DBSize(ctx).Val(), before)
	}
}

func TestRedisOnAReplicaThatMayOnlyBeReadMissesAndWaitsForNothing(t *testing.T) {
	t.Parallel()
	_, replica, _ := redistest.Sentinel(t)
	conn := connected(t, replica.URL())
	r := inRedis(t, conn, cache.RedisOptions{})
	r.Set(ctx, "key", []byte("value"))
	testkit.Eventually(t, "it counts as away", func() bool { return !conn.Up() })
	if !missed(r, "key") || r.Clear(ctx, "") != 0 || r.Stats().Dropped != 1 {
		t.Errorf("%+v", r.Stats())
	}
}

func TestRedisGoesOnAfterAFailover(t *testing.T) {
	t.Parallel()
	master, _, url := redistest.Sentinel(t)
	r := inRedis(t, connected(t, url), cache.RedisOptions{})
	r.Set(ctx, "key", []byte("before"))
	master.Kill()
	if !missed(r, "key") {
		t.Error("a dead master answers")
	}
	testkit.Eventually(t, "the replica is master", func() bool {
		r.Set(ctx, "key", []byte("after"))
		return hit(r, "key", "after")
	})
}

func TestRedisGivesUpWhenTheCallerDoes(t *testing.T) {
	server := redistest.Start(t)
	conn := connected(t, server.URL())
	r := inRedis(t, conn, cache.RedisOptions{})
	r.Set(ctx, "key", []byte("value"))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, ok := r.Get(ended, "key"); ok || !conn.Up() {
		t.Errorf("hit %v, up %v", ok, conn.Up())
	}
	r.Set(ended, "other", nil)
	if !hit(r, "key", "value") {
		t.Error("lost by another's end")
	}
}
