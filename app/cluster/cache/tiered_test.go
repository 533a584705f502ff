package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	near "studysharper/app/cache"
	"studysharper/app/cache/cachetest"
	"studysharper/app/cluster/cache"
	"studysharper/app/cluster/conn"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// process is a worker's cache.
type process struct {
	*cache.Tiered
	near *near.Memory
	conn *conn.Conn
}

type shape struct {
	near    near.MemoryOptions
	far     cache.RedisOptions
	tiered  cache.TieredOptions
	timeout time.Duration // of a command; 0 = the service's
}

var ordinary = shape{
	near: near.MemoryOptions{MaxItems: 50, MaxBytes: 10 << 20, TTL: time.Minute},
	far:  cache.RedisOptions{TTL: time.Minute},
	// The machine may be busy: in tests that are not about timing, anything faster than this is in time.
	tiered:  cache.TieredOptions{Wait: patient},
	timeout: patient,
}

// hurried waits for Redis only as long as the service does.
func hurried() shape {
	s := ordinary
	s.tiered.Wait, s.timeout = 5*time.Millisecond, 0
	return s
}

// starts returns a process's cache, which is fully connected.
func starts(t testing.TB, address string, s shape) *process {
	t.Helper()
	p := &process{conn: connectedFor(t, address, s.timeout)}
	var err error
	if p.near, err = near.NewMemory(s.near); err != nil {
		t.Fatal(err)
	}
	if p.Tiered, err = cache.NewTiered(p.near, inRedis(t, p.conn, s.far), s.tiered); err != nil {
		t.Fatal(err)
	}
	runs(t, p.Run)
	testkit.Eventually(t, "the cache is whole", func() bool { return !p.Degraded() })
	return p
}

// settled waits until Redis has a key, or no longer has it.
func settled(t *testing.T, s *redistest.Server, key string, there bool) {
	t.Helper()
	c := s.Client(t)
	testkit.Eventually(t, fmt.Sprintf("%s there: %v", key, there), func() bool {
		return (c.Exists(ctx, "studysharper:c:"+key).Val() == 1) == there
	})
}

func TestTieredConforms(t *testing.T) {
	server := redistest.Start(t)
	cachetest.RunInRealTime(t, func(t *testing.T, b cachetest.Bounds) near.Cache {
		return starts(t, server.URL(), shape{near: near.MemoryOptions(b), tiered: ordinary.tiered, timeout: patient,
			far: cache.RedisOptions{TTL: b.TTL, MaxEntryBytes: int(b.MaxBytes / 2), Space: t.Name() + ":"}}).Tiered
	})
}

func TestTieredRefusesOptionsOutOfBounds(t *testing.T) {
	for _, o := range []cache.TieredOptions{{Wait: -1}, {MaxLookups: -1}, {QueueItems: -1}, {QueueBytes: -1}} {
		_, err := cache.NewTiered(nil, nil, o)
		if e, ok := errors.AsType[*study.Error](err); !ok || e.Code != study.CodeInvalid || len(e.Faults) != 1 {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestTieredSharesWhatAnyProcessHasSetWithItsAge(t *testing.T) {
	server := redistest.Start(t)
	a, b := starts(t, server.URL(), ordinary), starts(t, server.URL(), ordinary)
	a.Set(ctx, "key", []byte("value"))
	settled(t, server, "key", true)
	testkit.Pause(300 * time.Millisecond)
	value, age, ok := b.Get(ctx, "key")
	if !ok || string(value) != "value" || age < 290*time.Millisecond || age > 30*time.Second {
		t.Fatalf("%q, %v old, %v", value, age, ok)
	}
	clear(value) // it is a copy
	server.Kill()
	_, again, ok := b.near.Get(ctx, "key")
	if !ok || again < age || !hit(b.near, "key", "value") {
		t.Errorf("memory has it: %v, %v old, before %v", ok, again, age)
	}
	if s := b.Stats(); s.Hits != 1 || s.Misses != 0 || s.Items != 1 || s.MaxItems != 0 {
		t.Errorf("%+v", s)
	}
}

func TestTieredKeepsTheLargeOnlyWhereItFits(t *testing.T) {
	server := redistest.Start(t)
	s := ordinary
	s.near.MaxBytes, s.far.MaxEntryBytes = 2000, 5000
	a, b := starts(t, server.URL(), s), starts(t, server.URL(), s)
	middle, large := string(noise(3000)), noise(5000)
	a.Set(ctx, "key", []byte(middle))
	if !hit(a, "key", middle) {
		t.Error("not found on its way to Redis")
	}
	settled(t, server, "key", true)
	for range 2 {
		if !hit(b, "key", middle) || b.Stats().Items != 0 || b.Stats().Refused != 0 {
			t.Errorf("%+v", b.Stats())
		}
	}
	a.Set(ctx, "key", large) // one byte too large, including its key
	settled(t, server, "key", false)
	if !missed(a, "key") || !missed(b, "key") {
		t.Error("the value before is given")
	}
}

func TestAClearReachesEveryProcess(t *testing.T) {
	server := redistest.Start(t)
	all := []*process{starts(t, server.URL(), ordinary), starts(t, server.URL(), ordinary), starts(t, server.URL(), ordinary)}
	for _, key := range []string{"notes/ann/1", "notes/ann/2", "notes/bob/1\x00*"} {
		all[0].Set(ctx, key, []byte("old"))
		settled(t, server, key, true)
		for _, p := range all {
			if !hit(p, key, "old") {
				t.Fatal("not shared")
			}
		}
	}
	all[1].Set(ctx, "notes/ann/3", []byte("old")) // may still be on its way
	if n := all[1].Clear(ctx, "notes/ann/"); n != 3 {
		t.Errorf("%d keys cleared, want 3", n)
	}
	for i, p := range all {
		testkit.Eventually(t, fmt.Sprint("process ", i, " has none of them"), func() bool {
			return missed(p, "notes/ann/1") && missed(p, "notes/ann/2") && missed(p, "notes/ann/3")
		})
		if !hit(p, "notes/bob/1\x00*", "old") {
			t.Errorf("process %d lost what was not cleared", i)
		}
	}
	all[2].Clear(ctx, "\x00*")
	testkit.Eventually(t, "a key of control characters and patterns is cleared", func() bool {
		return missed(all[0], "notes/bob/1\x00*") && missed(all[1], "notes/bob/1\x00*")
	})
}

// What is cleared stays cleared, whatever was on its way to or from Redis at that time.
func TestNothingClearedComesBack(t *testing.T) {
	server := redistest.Start(t)
	s := ordinary
	s.near.MaxItems = 2 // so that most must be fetched
	a, b := starts(t, server.URL(), s), starts(t, server.URL(), s)
	for round := range 100 {
		old := fmt.Sprint("old ", round)
		for i := range 5 {
			a.Set(ctx, fmt.Sprint("key ", i), []byte(old))
		}
		var busy sync.WaitGroup
		for range 4 {
			busy.Go(func() { a.Get(ctx, fmt.Sprint("key ", rand.IntN(5))) })
		}
		if round%2 == 0 {
			busy.Wait()
		}
		a.Clear(ctx, "key")
		busy.Wait()
		for i := range 5 {
			if v, _, ok := a.Get(ctx, fmt.Sprint("key ", i)); ok {
				t.Fatalf("round %d: %q is back", round, v)
			}
			if v, _, ok := b.Get(ctx, fmt.Sprint("key ", i)); ok {
				t.Fatalf("round %d: another process has %q", round, v)
			}
		}
	}
}

func TestAProcessGivesWhatItSetLastThroughEveryTier(t *testing.T) {
	server := redistest.Start(t)
	s := ordinary
	s.near.MaxItems = 1
	p := starts(t, server.URL(), s)
	last := map[string]string{}
	for i := range 2000 {
		key := fmt.Sprint("key ", rand.IntN(8))
		if rand.IntN(2) == 0 {
			last[key] = strings.Repeat(fmt.Sprint(i, " "), rand.IntN(3000))
			p.Set(ctx, key, []byte(last[key]))
		} else if v, _, ok := p.Get(ctx, key); ok && string(v) != last[key] {
			t.Fatalf("step %d: %.20q, want %.20q", i, v, last[key])
		}
	}
	if s := p.Stats(); s.Hits < 500 || s.Corrupt != 0 || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

func TestTheQueueToRedisIsBounded(t *testing.T) {
	server := redistest.Start(t)
	for name, o := range map[string]cache.TieredOptions{
		"items": {QueueItems: 3, Wait: patient},
		"bytes": {QueueBytes: 3000, Wait: patient},
	} {
		p := starts(t, server.URL(), shape{ordinary.near, ordinary.far, o, patient})
		server.Freeze(t)
		for i := range 10 { // one of them may be in progress already
			p.Set(ctx, fmt.Sprint("key ", i), noise(900))
		}
		dropped := p.Stats().Dropped
		server.Thaw(t)
		if dropped < 6 || dropped > 7 {
			t.Errorf("%s: %d of 10 dropped with a queue of 3", name, dropped)
		}
		for i := range 10 {
			if !hit(p, fmt.Sprint("key ", i), string(noise(900))) {
				t.Errorf("%s: memory lost key %d", name, i)
			}
		}
	}
	p := starts(t, server.URL(), shape{ordinary.near, ordinary.far, cache.TieredOptions{QueueBytes: 1000, Wait: patient}, patient})
	p.Set(ctx, "just", noise(996))
	settled(t, server, "just", true)
	p.Set(ctx, "past", noise(997))
	if p.Stats().Dropped != 1 {
		t.Errorf("one byte past the queue: %+v", p.Stats())
	}
}

func TestRedisKilledAndRestartedCostsNothingAndIsBack(t *testing.T) {
	server := redistest.Start(t)
	p := starts(t, server.URL(), ordinary)
	for round := range 3 {
		key := fmt.Sprint("key ", round)
		p.Set(ctx, key, []byte("before"))
		settled(t, server, key, true)
		doubted := p.Stats().Resyncs
		server.Kill()
		p.Get(ctx, "unknown") // finds out that it is dead
		testkit.Eventually(t, "it says so", p.Degraded)
		commands := countCommands(p.conn)
		for range 100 {
			p.Clear(ctx, "other")
		}
		if n := commands.Load(); n >= 100 {
			t.Errorf("100 Clears gave %d commands to a dead Redis", n)
		}
		wantRedisLeftAlone(t, p)
		if !hit(p, key, "before") {
			t.Error("memory is lost with Redis")
		}
		server.Resume(t)
		testkit.Eventually(t, "it is back", func() bool { return !p.Degraded() })
		testkit.Eventually(t, "memory is emptied", func() bool { return p.Stats().Resyncs > doubted })
		p.Set(ctx, key, []byte("after"))
		settled(t, server, key, true)
	}
}

func TestAFrozenRedisIsWaitedForAFewTimesOnly(t *testing.T) {
	server := redistest.Start(t)
	p := starts(t, server.URL(), hurried())
	server.Freeze(t)
	for i := range 1000 {
		p.Get(ctx, fmt.Sprint("unknown ", i))
		p.Set(ctx, fmt.Sprint("key ", i%10), nil)
	}
	// Five calls are waited for; a probe may also be late now and then.
	if late := p.Stats().Late; late < 5 || late > 100 || !p.Degraded() {
		t.Errorf("1000 Gets and Sets, %d late, degraded %v", late, p.Degraded())
	}
	testkit.Eventually(t, "it counts as away", func() bool { return !p.conn.Up() })
	wantRedisLeftAlone(t, p)
	server.Thaw(t)
	testkit.Eventually(t, "it is back", func() bool { return !p.Degraded() })
}

func TestAnEvictingAndAFullRedisAreNoFailure(t *testing.T) {
	for policy, full := range map[string]bool{"noeviction": true, "allkeys-lru": false} {
		server := redistest.Start(t, "--maxmemory", "4mb", "--maxmemory-policy", policy)
		p, raw := starts(t, server.URL(), ordinary), server.Client(t)
		value := string(noise(20_000))
		evicted := func() bool { return !strings.Contains(raw.Info(ctx, "stats").Val(), "evicted_keys:0") }
		i := 0
		testkit.Eventually(t, "Redis has no more room", func() bool {
			i++
			p.Set(ctx, fmt.Sprint("key ", i), []byte(value))
			refused := func() bool { return p.Degraded() && p.Stats().Dropped > 0 }
			return map[bool]func() bool{true: refused, false: evicted}[full]()
		})
		if !p.conn.Up() || !hit(p, fmt.Sprint("key ", i), value) {
			t.Errorf("%s: up %v, %+v", policy, p.conn.Up(), p.Stats())
		}
		p.Clear(ctx, "")
		testkit.Eventually(t, "whole again", func() bool {
			p.Set(ctx, "small", nil)
			return !p.Degraded() && raw.Exists(ctx, "studysharper:c:small").Val() == 1
		})
	}
}

// A Clear that could not be delivered to Redis is retried before anything is read from it.
func TestAClearWhileRedisIsAwayIsMadeGood(t *testing.T) {
	server := redistest.Start(t)
	s := ordinary
	s.timeout = 0 // the process must detect that Redis is unreachable
	a, b := starts(t, server.URL(), s), starts(t, server.URL(), s)
	for i := range 70 {
		a.Set(ctx, fmt.Sprintf("key %d.", i), []byte("old"))
		settled(t, server, fmt.Sprintf("key %d.", i), true)
	}
	server.Freeze(t) // it keeps its data
	b.Get(ctx, "unknown")
	testkit.Eventually(t, "it counts as away", func() bool { return !b.conn.Up() })
	if n := b.Clear(ctx, "key 1."); n != 0 {
		t.Errorf("%d cleared in an empty memory", n)
	}
	b.Clear(ctx, "key 2.")
	server.Thaw(t)
	testkit.Eventually(t, "all is well", func() bool { return !a.Degraded() && !b.Degraded() })
	for i, want := range map[int]bool{1: false, 2: false, 3: true, 20: true} {
		if key := fmt.Sprintf("key %d.", i); hit(b, key, "old") != want {
			t.Errorf("%s there: %v, want %v", key, !want, want)
		}
	}
	server.Freeze(t)
	b.Get(ctx, "unknown")
	testkit.Eventually(t, "it counts as away", func() bool { return !b.conn.Up() })
	for i := range 65 { // one more than are kept individually
		b.Clear(ctx, fmt.Sprintf("no key %d.", i))
	}
	server.Thaw(t)
	settled(t, server, "key 3.", false)
}

func TestTieredGoesOnThroughAFailover(t *testing.T) {
	t.Parallel()
	master, replica, url := redistest.Sentinel(t)
	p := starts(t, url, ordinary)
	p.Set(ctx, "key", []byte("value"))
	settled(t, replica, "key", true)
	master.Kill()
	p.Get(ctx, "unknown")
	if !hit(p, "key", "value") {
		t.Error("memory is lost with the master")
	}
	testkit.Eventually(t, "the replica is master", func() bool { return !p.Degraded() && p.Stats().Resyncs > 0 })
	if !hit(p, "key", "value") {
		t.Error("what was replicated is lost")
	}
	p.Set(ctx, "new", nil)
	settled(t, replica, "new", true)
}

// If Redis refuses a purge, its contents are not used, and the log gives the reason once.
func TestAnInstanceThatMayNotClearRedisTakesNothingFromIt(t *testing.T) {
	server := redistest.Start(t, "--rename-command", "SCAN", "")
	var log bytes.Buffer
	s := ordinary
	s.tiered.Log = slog.New(slog.NewTextHandler(&log, nil))
	p := starts(t, server.URL(), s)
	p.Set(ctx, "notes of ann", []byte("old"))
	settled(t, server, "notes of ann", true)
	p.Clear(ctx, "notes of ann")
	testkit.Pause(3 * 50 * time.Millisecond) // it has retried by now
	if !missed(p, "notes of ann") || !p.Degraded() || !p.conn.Up() {
		t.Errorf("degraded %v, up %v", p.Degraded(), p.conn.Up())
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "'scan'") || strings.Contains(text, "ann") {
		t.Errorf("log:\n%s", text)
	}
}

func TestMemoryIsEmptiedWhenClearsMayHaveBeenMissed(t *testing.T) {
	server := redistest.Start(t)
	p := starts(t, server.URL(), ordinary)
	p.Set(ctx, "key", []byte("value"))
	settled(t, server, "key", true)
	raw := server.Client(t)
	raw.Do(ctx, "CLIENT", "KILL", "TYPE", "pubsub")
	testkit.Eventually(t, "it is doubted", func() bool { return p.Stats().Resyncs > 0 })
	if p.Stats().Items != 0 {
		t.Errorf("%+v", p.Stats())
	}
	testkit.Eventually(t, "Redis has it still", func() bool { return hit(p, "key", "value") })
	for _, message := range []string{"", "x", strings.Repeat("x", 25)} { // not our format
		raw.Publish(ctx, "studysharper:clear", message)
	}
	raw.Publish(ctx, "studysharper:clear", strings.Repeat("x", 26)+"no such key")
	raw.Publish(ctx, "studysharper:clear", strings.Repeat("x", 26)+"key")
	testkit.Eventually(t, "the last message is heard", func() bool { return missed(p.near, "key") })
}

func TestLookupsAreBoundedAndShared(t *testing.T) {
	server := redistest.Start(t)
	s := ordinary
	s.tiered = cache.TieredOptions{Wait: time.Millisecond, MaxLookups: 2}
	p := starts(t, server.URL(), s)
	server.Freeze(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { p.Get(ctx, fmt.Sprint("unknown ", i%2)) })
	}
	all.Wait()
	if late := p.Stats().Late; late > 2 {
		t.Errorf("%d look-ups were late, and two may be under way", late)
	}
	server.Thaw(t)
}

func TestALateAnswerIsThereForTheNextGet(t *testing.T) {
	server := redistest.Start(t)
	a := starts(t, server.URL(), ordinary)
	s := ordinary
	s.tiered.Wait = 5 * time.Millisecond
	b := starts(t, server.URL(), s)
	a.Set(ctx, "key", bytes.Repeat([]byte("v"), 1000))
	settled(t, server, "key", true)
	server.Freeze(t)
	if !missed(b, "key") {
		t.Fatal("a frozen Redis answers")
	}
	server.Thaw(t)
	testkit.Eventually(t, "memory has it", func() bool { _, _, ok := b.near.Get(ctx, "key"); return ok })
}

func TestAGetEndsWithItsCaller(t *testing.T) {
	server := redistest.Start(t)
	s := ordinary
	// Nothing else ends the wait: this test hangs if its caller does not.
	s.tiered.Wait, s.timeout = time.Hour, time.Hour
	p := starts(t, server.URL(), s)
	server.Freeze(t)
	defer server.Thaw(t)
	brief, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if _, _, ok := p.Get(brief, "key"); ok {
		t.Error("a hit without an answer of Redis")
	}
}

// The cost of a request: for a hit in memory, for a hit in Redis, and for a miss while Redis is unreachable.
func BenchmarkTieredGet(b *testing.B) {
	server := redistest.Start(b)
	s := ordinary
	s.near.MaxItems = 1
	p := starts(b, server.URL(), s)
	for _, key := range []string{"one", "other"} {
		p.Set(ctx, key, noise(10_000))
	}
	get := func(b *testing.B, keys ...string) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			p.Get(ctx, keys[i%len(keys)])
		}
	}
	b.Run("memory", func(b *testing.B) { get(b, "other") })
	b.Run("redis", func(b *testing.B) { get(b, "one", "other") })
	b.Run("miss", func(b *testing.B) { get(b, "unknown") })
	server.Kill()
	p.Get(ctx, "unknown")
	b.Run("away", func(b *testing.B) { get(b, "unknown") })
}
