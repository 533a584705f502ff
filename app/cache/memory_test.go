package cache_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"studysharper/app/cache"
	"studysharper/app/cache/cachetest"
	"studysharper/app/study"
)

var ctx = context.Background()

func open(t testing.TB, o cache.MemoryOptions) *cache.Memory {
	t.Helper()
	m, err := cache.NewMemory(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMemoryConforms(t *testing.T) {
	cachetest.Run(t, func(t *testing.T, b cachetest.Bounds) cache.Cache {
		return open(t, cache.MemoryOptions(b))
	})
}

func TestMemoryConformsInRealTime(t *testing.T) {
	t.Parallel()
	cachetest.RunInRealTime(t, func(t *testing.T, b cachetest.Bounds) cache.Cache {
		return open(t, cache.MemoryOptions(b))
	})
}

func TestMemoryExpiresToTheNanosecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, cache.MemoryOptions{MaxItems: 10, MaxBytes: 1000, TTL: 1500 * time.Millisecond})
		m.Set(ctx, "key", []byte("value"))
		time.Sleep(1500*time.Millisecond - time.Nanosecond)
		if _, age, ok := m.Get(ctx, "key"); !ok || age != 1500*time.Millisecond-1 {
			t.Fatalf("1 ns before the end: age %v, %v", age, ok)
		}
		if s := m.Stats(); s.OldestAge != 1500*time.Millisecond-1 || s.Bytes != 8 {
			t.Fatalf("1 ns before the end: %+v", s)
		}
		time.Sleep(time.Nanosecond)
		if _, _, ok := m.Get(ctx, "key"); ok {
			t.Fatal("served at the end of its time")
		}
	})
}

func TestMemoryDropsTheExpiredBeforeItEvicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, cache.MemoryOptions{MaxItems: 2, MaxBytes: 1000, TTL: time.Minute})
		m.Set(ctx, "old, just read", nil)
		time.Sleep(time.Minute - time.Nanosecond)
		m.Set(ctx, "young", nil)
		m.Get(ctx, "old, just read")
		time.Sleep(time.Nanosecond)
		m.Set(ctx, "younger", nil)
		if _, _, ok := m.Get(ctx, "young"); !ok {
			t.Fatal("evicted, with an expired entry in the cache")
		}
		if s := m.Stats(); s.Evictions != 0 || s.Items != 2 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestMemoryRefusesOptionsOutOfBounds(t *testing.T) {
	good := cache.MemoryOptions{MaxItems: 1, MaxBytes: 2}
	cases := map[string]func(*cache.MemoryOptions){
		"MaxItems":      func(o *cache.MemoryOptions) { o.MaxItems = 0 },
		"MaxBytes":      func(o *cache.MemoryOptions) { o.MaxBytes = 1 },
		"MaxBytes, too": func(o *cache.MemoryOptions) { o.MaxBytes = 1<<40 + 1 },
		"TTL":           func(o *cache.MemoryOptions) { o.TTL = -1 },
	}
	open(t, good)
	open(t, cache.MemoryOptions{MaxItems: 1, MaxBytes: 1 << 40})
	for name, spoil := range cases {
		o := good
		spoil(&o)
		_, err := cache.NewMemory(o)
		if e, ok := errors.AsType[*study.Error](err); !ok || e.Code != study.CodeInvalid || len(e.Faults) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The two keys have the same FNV-1a hash, which is bigcache's.
func TestMemoryTellsKeysApartWhoseHashesCollide(t *testing.T) {
	const one, other = "8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ"
	if fnv1a(one) != fnv1a(other) {
		t.Fatal("the keys do not collide")
	}
	m := open(t, cache.MemoryOptions{MaxItems: 10, MaxBytes: 1000})
	m.Set(ctx, one, []byte("1"))
	if v, _, ok := m.Get(ctx, other); ok {
		t.Fatalf("got another key's value %q", v)
	}
	m.Set(ctx, other, []byte("2"))
	for k, want := range map[string]string{one: "1", other: "2"} {
		if v, _, ok := m.Get(ctx, k); !ok || string(v) != want {
			t.Fatalf("Get(%q) = %q, %v", k, v, ok)
		}
	}
}

func fnv1a(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// A web framework's strings are in buffers that the next request overwrites.
func TestMemoryKeepsItsKeysWhenTheirBufferIsReused(t *testing.T) {
	m := open(t, cache.MemoryOptions{MaxItems: 10, MaxBytes: 1000})
	buffer := []byte("first key")
	m.Set(ctx, unsafe.String(&buffer[0], len(buffer)), []byte("value"))
	copy(buffer, "other key")
	if _, _, ok := m.Get(ctx, "first key"); !ok {
		t.Fatal("lost when the caller's buffer changed")
	}
	if n := m.Clear(ctx, "other"); n != 0 {
		t.Fatal("the key follows the caller's buffer")
	}
}

func TestMemoryNeedsNoClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 100 {
		m := open(t, cache.MemoryOptions{MaxItems: 10, MaxBytes: 1000, TTL: time.Second})
		m.Set(ctx, "key", []byte("value"))
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Fatalf("%d goroutines, %d before", after, before)
	}
}

func TestMemoryHitsAsOftenAsAPlainLRU(t *testing.T) {
	const items = 50
	m := open(t, cache.MemoryOptions{MaxItems: items, MaxBytes: 10 << 20})
	plain, err := simplelru.NewLRU[string, bool](items, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs, asked float64
	next := zipf(1000)
	value := make([]byte, 100<<10)
	for range 20_000 {
		key := fmt.Sprint(next())
		asked++
		if _, _, ok := m.Get(ctx, key); ok {
			ours++
		} else {
			m.Set(ctx, key, value[:1+len(key)*20_000])
		}
		if _, ok := plain.Get(key); ok {
			theirs++
		} else {
			plain.Add(key, true)
		}
	}
	ours, theirs = 100*ours/asked, 100*theirs/asked
	t.Logf("Zipf(1.0) over 1000 keys, %d items: %.1f %% hits, a plain LRU %.1f %%", items, ours, theirs)
	if ours < theirs-2 || theirs < 30 {
		t.Fatalf("%.1f %% hits, a plain LRU has %.1f %%", ours, theirs)
	}
}

// zipf draws from 0 to n-1, k with a weight of 1/(k+1); rand.Zipf needs s > 1.
func zipf(n int) func() int {
	rng := rand.New(rand.NewPCG(1, 2))
	sums := make([]float64, n)
	sum := 0.0
	for k := range sums {
		sum += 1 / float64(k+1)
		sums[k] = sum
	}
	return func() int {
		x := rng.Float64() * sum
		lo, hi := 0, n-1
		for lo < hi {
			if mid := (lo + hi) / 2; sums[mid] < x {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo
	}
}
