// Package cachetest is the conformance suite of package cache: it tests what every Cache must do, however it is
// implemented. An implementation's own tests call Run (or RunInRealTime if the cache uses something whose clock cannot
// be faked) and add only what is specific to it.
package cachetest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/cache"
)

// Bounds are the limits that a case requires of its cache.
type Bounds struct {
	MaxItems int
	MaxBytes int64
	TTL      time.Duration // 0 = none
}

// Open makes an empty cache with these limits and, if necessary, closes it in a t.Cleanup. Cases never share one.
type Open func(t *testing.T, b Bounds) cache.Cache

// Run runs the suite as subtests of t, each in a synctest bubble: time passes instantly, and a goroutine that open
// leaves running fails the case.
func Run(t *testing.T, open Open) {
	run(t, open, synctest.Test)
}

// RunInRealTime runs the suite outside bubbles, which needs a few seconds.
func RunInRealTime(t *testing.T, open Open) {
	run(t, open, func(t *testing.T, f func(*testing.T)) { f(t) })
}

var cases = []struct {
	name   string
	bounds Bounds
	check  func(*testing.T, cache.Cache)
}{
	{"keeps any bytes under any key", roomy, keepsAnyBytes},
	{"misses what was never set", roomy, missesTheUnknown},
	{"gives the newest value", roomy, givesTheNewest},
	{"leaves the caller its slices", roomy, leavesSlices},
	{"tells the age", lasting, tellsTheAge},
	{"drops what is too old", brief, dropsTheOld},
	{"resets the age at each set", brief, renewsTheAge},
	{"clears by pattern", roomy, clearsByPattern},
	{"clears all", roomy, clearsAll},
	{"evicts the least recently read past MaxItems", Bounds{MaxItems: 3, MaxBytes: 1 << 20}, boundsItems},
	{"evicts past MaxBytes", Bounds{MaxItems: 100, MaxBytes: 1000}, boundsBytes},
	{"refuses what is over half of MaxBytes", Bounds{MaxItems: 100, MaxBytes: 1000}, refusesTheLarge},
	{"counts hits and misses", roomy, countsHits},
	{"serves many at once", Bounds{MaxItems: 20, MaxBytes: 1 << 20}, servesMany},
}

var (
	roomy   = Bounds{MaxItems: 1000, MaxBytes: 10 << 20}
	lasting = Bounds{MaxItems: 10, MaxBytes: 1 << 20, TTL: time.Minute}
	brief   = Bounds{MaxItems: 10, MaxBytes: 1 << 20, TTL: 2 * time.Second}
)

func run(t *testing.T, open Open, within func(*testing.T, func(*testing.T))) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			within(t, func(t *testing.T) { c.check(t, open(t, c.bounds)) })
		})
	}
}

func wantHit(t *testing.T, c cache.Cache, key, want string) {
	t.Helper()
	got, age, ok := c.Get(context.Background(), key)
	if !ok {
		t.Fatalf("Get(%.40q) missed", key)
	}
	if string(got) != want {
		t.Fatalf("Get(%.40q) = %.40q (%d bytes), want %.40q (%d bytes)", key, got, len(got), want, len(want))
	}
	if got == nil {
		t.Fatalf("Get(%.40q) = nil, want an empty value", key)
	}
	if age < 0 {
		t.Fatalf("Get(%.40q) is %v old", key, age)
	}
}

func wantMiss(t *testing.T, c cache.Cache, key string) {
	t.Helper()
	if got, age, ok := c.Get(context.Background(), key); ok || got != nil || age != 0 {
		t.Fatalf("Get(%.40q) = %.40q, %v, %v, want a miss", key, got, age, ok)
	}
}
