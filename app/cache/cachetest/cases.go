package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/cache"
	"studysharper/app/testkit"
)

var ctx = context.Background()

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func keepsAnyBytes(t *testing.T, c cache.Cache) {
	entries := map[string]string{
		"plain":                   "value",
		"":                        "under the empty key",
		"empty value":             "",
		"control\x00\r\n\x1b[2J ": "\x00\r\n",
		"not utf-8 \xff\xfe":      "\xc3\x28",
		everyByte():               everyByte(),
		"* ? [a-z] { } \\ %":      "what patterns are made of",
		strings.Repeat("k", 1024): "under a key of 1 kB",
		strings.Repeat("k", 1023): "under one of a byte less",
		"100 kB":                  strings.Repeat("0123456789", 10_000),
		"4 MB":                    strings.Repeat("0123456789abcdef", 4<<16),
	}
	for k, v := range entries {
		c.Set(ctx, k, []byte(v))
	}
	for k, v := range entries {
		wantHit(t, c, k, v)
	}
	c.Set(ctx, "nil value", nil)
	wantHit(t, c, "nil value", "")
}

func missesTheUnknown(t *testing.T, c cache.Cache) {
	wantMiss(t, c, "key")
	wantMiss(t, c, "")
	c.Set(ctx, "key", []byte("value"))
	for _, k := range []string{"", "ke", "key ", "Key", "key\x00"} {
		wantMiss(t, c, k)
	}
}

func givesTheNewest(t *testing.T, c cache.Cache) {
	for _, n := range []int{10, 0, 100_000, 99_999, 1} {
		v := strings.Repeat("v", n)
		c.Set(ctx, "key", []byte(v))
		wantHit(t, c, "key", v)
	}
	if s := c.Stats(); s.MaxItems > 0 && (s.Items != 1 || s.Bytes != int64(len("key")+1)) {
		t.Fatalf("after overwriting one key: %d items, %d bytes", s.Items, s.Bytes)
	}
}

func leavesSlices(t *testing.T, c cache.Cache) {
	for _, n := range []int{5, 100_000} {
		given := bytes.Repeat([]byte{'a'}, n)
		want := string(given)
		c.Set(ctx, "key", given)
		clear(given)
		wantHit(t, c, "key", want)
		got, _, _ := c.Get(ctx, "key")
		clear(got)
		_ = append(got, "more"...)
		wantHit(t, c, "key", want)
	}
}

func tellsTheAge(t *testing.T, c cache.Cache) {
	c.Set(ctx, "older", []byte("v"))
	testkit.Pause(300 * time.Millisecond)
	c.Set(ctx, "newer", []byte("v"))
	_, newer, also := c.Get(ctx, "newer") // read first: in real time, the other entry ages meanwhile
	_, older, ok := c.Get(ctx, "older")
	if !ok || !also {
		t.Fatal("missed before their time")
	}
	// Millisecond clocks may be off by one at either end.
	if older < 298*time.Millisecond || newer > older-298*time.Millisecond {
		t.Fatalf("300 ms apart, and %v and %v old", older, newer)
	}
	if s := c.Stats(); s.Items > 0 && s.OldestAge < older {
		t.Fatalf("the oldest is %v old, and one of them was %v old before", s.OldestAge, older)
	}
}

// wantHitOf is wantHit for a value with a brief TTL that was set at that time. It checks nothing if, on a busy machine,
// the value has expired in real time.
func wantHitOf(t *testing.T, set time.Time, c cache.Cache, key, want string) {
	t.Helper()
	if _, _, ok := c.Get(ctx, key); ok || time.Since(set) < brief.TTL*8/10 {
		wantHit(t, c, key, want)
	}
}

func dropsTheOld(t *testing.T, c cache.Cache) {
	first := time.Now()
	c.Set(ctx, "first", []byte("v"))
	testkit.Pause(brief.TTL / 2)
	second := time.Now()
	c.Set(ctx, "second", []byte("v"))
	wantHitOf(t, first, c, "first", "v") // reading does not renew the age
	testkit.Pause(brief.TTL / 2)
	wantMiss(t, c, "first")
	wantHitOf(t, second, c, "second", "v")
	testkit.Pause(brief.TTL / 2)
	wantMiss(t, c, "second")
	if n := c.Clear(ctx, ""); n != 0 {
		t.Fatalf("Clear found %d expired entries", n)
	}
	if s := c.Stats(); s.Items != 0 || s.Bytes != 0 || s.OldestAge != 0 || s.Evictions != 0 {
		t.Fatalf("with nothing left: %+v", s)
	}
}

func renewsTheAge(t *testing.T, c cache.Cache) {
	c.Set(ctx, "key", []byte("first"))
	testkit.Pause(brief.TTL / 2)
	set := time.Now()
	c.Set(ctx, "key", []byte("second"))
	testkit.Pause(brief.TTL/2 + brief.TTL/8)
	wantHitOf(t, set, c, "key", "second")
}

func clearsByPattern(t *testing.T, c cache.Cache) {
	set := []string{"chat:anna:1", "chat:anna:2", "quiz:anna", "chat:bert", "50%*?[x]", "a\x00b"}
	cases := []struct {
		pattern string
		gone    []string
	}{
		{"nothing like it", nil},
		{"*", []string{"50%*?[x]"}}, // a substring, not a glob
		{"chat:*", nil},
		{"CHAT", nil},
		{"\x00", []string{"a\x00b"}},
		{"anna", []string{"chat:anna:1", "chat:anna:2", "quiz:anna"}},
		{"chat:bert", []string{"chat:bert"}},
	}
	for _, tc := range cases {
		for _, k := range set {
			c.Set(ctx, k, []byte(k))
		}
		if n := c.Clear(ctx, tc.pattern); n != len(tc.gone) {
			t.Fatalf("Clear(%q) = %d, want %d", tc.pattern, n, len(tc.gone))
		}
		for _, k := range set {
			if strings.Contains(k, tc.pattern) {
				wantMiss(t, c, k)
			} else {
				wantHit(t, c, k, k)
			}
		}
	}
}

func clearsAll(t *testing.T, c cache.Cache) {
	if n := c.Clear(ctx, ""); n != 0 {
		t.Fatalf("Clear of an empty cache = %d", n)
	}
	for i := range 100 {
		c.Set(ctx, fmt.Sprint(i), make([]byte, 1000))
	}
	if n := c.Clear(ctx, ""); n != 100 {
		t.Fatalf("Clear = %d, want 100", n)
	}
	wantMiss(t, c, "7")
	if s := c.Stats(); s.Items != 0 || s.Bytes != 0 || s.Evictions != 0 {
		t.Fatalf("after Clear: %+v", s)
	}
	c.Set(ctx, "7", []byte("again"))
	wantHit(t, c, "7", "again")
}

func countsHits(t *testing.T, c cache.Cache) {
	wantMiss(t, c, "key")
	c.Set(ctx, "key", []byte("value"))
	wantHit(t, c, "key", "value")
	wantHit(t, c, "key", "value")
	c.Clear(ctx, "")
	wantMiss(t, c, "key")
	s := c.Stats()
	if s.Hits != 2 || s.Misses != 2 {
		t.Fatalf("%d hits and %d misses, want 2 and 2", s.Hits, s.Misses)
	}
	if s.Backend == "" {
		t.Fatal("the backend has no name")
	}
}

func servesMany(t *testing.T, c cache.Cache) {
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() { useAtRandom(t, c, uint64(g)) })
	}
	all.Wait()
	s := c.Stats()
	if s.MaxItems > 0 && (s.Items > s.MaxItems || s.Bytes > s.MaxBytes) {
		t.Fatalf("out of bounds: %+v", s)
	}
}

// useAtRandom sets only values that contain their key, and checks the values that it gets.
func useAtRandom(t *testing.T, c cache.Cache, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 500 {
		key := fmt.Sprint("key ", rng.IntN(40))
		switch rng.IntN(20) {
		case 0:
			c.Clear(ctx, key[len(key)-1:])
		case 1:
			c.Stats()
		case 2, 3, 4, 5, 6, 7:
			c.Set(ctx, key, []byte(strings.Repeat(key+"\n", 1+rng.IntN(5000))))
		default:
			got, _, ok := c.Get(ctx, key)
			if lines := strings.Count(string(got), key+"\n"); ok && (lines == 0 || lines*(len(key)+1) != len(got)) {
				t.Errorf("Get(%q) = %.40q: another's", key, got)
				return
			}
		}
	}
}
