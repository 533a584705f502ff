package cache

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
)

func fullMemory(b testing.TB, size int) (*Memory, []string) {
	b.Helper()
	m, err := NewMemory(MemoryOptions{MaxItems: 50, MaxBytes: 10 << 20, TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	keys := make([]string, 50)
	value := randomBytes(size)
	for i := range keys {
		keys[i] = "chat:user:" + strconv.Itoa(i)
		m.Set(ctx, keys[i], value)
	}
	return m, keys
}

func TestGetAllocatesOnlyTheCopy(t *testing.T) {
	for _, size := range []int{0, 1, 200, 10_000, pieceBytes} {
		m, keys := fullMemory(t, size)
		i := 0
		n := testing.AllocsPerRun(1000, func() {
			if _, _, ok := m.Get(ctx, keys[i%len(keys)]); !ok {
				t.Fatal("missed")
			}
			i++
		})
		if n > 1 {
			t.Errorf("Get of %d bytes: %v allocations", size, n)
		}
	}
}

func TestSetMakesNoGarbageOfTheValue(t *testing.T) {
	m, keys := fullMemory(t, 200_000)
	value := randomBytes(200_000)
	i := 0
	const rounds = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		m.Set(ctx, keys[i%len(keys)], value)
		i++
	}
	runtime.ReadMemStats(&after)
	// The key's copy, the index's element, and bigcache's 16 bytes a piece.
	if garbage := (after.TotalAlloc - before.TotalAlloc) / rounds; garbage > 400 {
		t.Errorf("Set of 200 kB: %d bytes allocated", garbage)
	}
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int{200, 10_000, 200_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			m, keys := fullMemory(b, size)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Get(ctx, keys[i%len(keys)])
			}
		})
	}
}

func BenchmarkGetParallel(b *testing.B) {
	m, keys := fullMemory(b, 200)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			m.Get(ctx, keys[i%len(keys)])
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "MGet/s")
}

func BenchmarkGetP99(b *testing.B) {
	m, keys := fullMemory(b, 200)
	reportP99(b, func(i int) { m.Get(ctx, keys[i%len(keys)]) })
}

// Every Set evicts, as in a cache that has been in use for a while.
func BenchmarkSetP99(b *testing.B) {
	m, _ := fullMemory(b, 200)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = "quiz:user:" + strconv.Itoa(i)
	}
	value := randomBytes(200)
	reportP99(b, func(i int) { m.Set(ctx, keys[i%len(keys)], value) })
}

func reportP99(b *testing.B, f func(i int)) {
	took := make([]time.Duration, 0, 1<<20)
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		f(i)
		if len(took) < cap(took) {
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
}

func BenchmarkSet(b *testing.B) {
	for _, size := range []int{200, 10_000, 200_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			m, _ := fullMemory(b, size)
			value := randomBytes(size)
			keys := make([]string, 1000)
			for i := range keys {
				keys[i] = "quiz:user:" + strconv.Itoa(i)
			}
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				m.Set(ctx, keys[i%len(keys)], value)
			}
		})
	}
}
