package contextcache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"studysharper/app/cache"
	"studysharper/app/cache/cachetest"
)

func TestTheCacheConforms(t *testing.T) {
	cachetest.Run(t, func(_ *testing.T, b cachetest.Bounds) cache.Cache { return NewCache(Options(b)) })
}

func TestTheCacheKeepsItsKeysWhenTheirBufferIsReused(t *testing.T) {
	c := NewCache(Options{MaxItems: 10, MaxBytes: 1 << 10})
	key := []byte("key one")
	c.Set(t.Context(), unsafe.String(&key[0], len(key)), []byte("one"))
	copy(key, "another")
	if _, _, ok := c.Get(t.Context(), "key one"); !ok {
		t.Error("the entry is not found under its key")
	}
}

// BenchmarkHeapOfAFullCache reports the live heap of a full cache, of this type and of the arena that stores answers,
// and the size of its payload.
func BenchmarkHeapOfAFullCache(b *testing.B) {
	const items, size, bytes = 256, 4 << 10, 2 << 20
	for name, open := range map[string]func() cache.Cache{
		"lru": func() cache.Cache { return NewCache(Options{MaxItems: items, MaxBytes: bytes, TTL: time.Minute}) },
		"arena": func() cache.Cache {
			m, err := cache.NewMemory(cache.MemoryOptions{MaxItems: items, MaxBytes: bytes, TTL: time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			return m
		},
	} {
		b.Run(name, func(b *testing.B) {
			value := make([]byte, size)
			for b.Loop() {
				before := heapBytes()
				c := open()
				for range 20 * items {
					c.Set(context.Background(), fmt.Sprint("key ", rand.IntN(10*items)), value)
				}
				b.ReportMetric(float64(heapBytes()-before), "heap-B")
				b.ReportMetric(float64(c.Stats().Bytes), "payload-B")
				runtime.KeepAlive(c)
			}
		})
	}
}

func heapBytes() int64 {
	runtime.GC()
	runtime.GC() // the first only starts to sweep
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapInuse)
}
