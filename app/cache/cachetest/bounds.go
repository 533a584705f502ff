package cachetest

import (
	"strings"
	"testing"

	"studysharper/app/cache"
)

func boundsItems(t *testing.T, c cache.Cache) {
	if c.Stats().MaxItems == 0 {
		t.Skip("the number of items is bounded outside of this process")
	}
	for _, k := range []string{"a", "b", "c"} {
		c.Set(ctx, k, []byte(k))
	}
	wantHit(t, c, "a", "a")
	if s := c.Stats(); s.Items != 3 || s.Evictions != 0 {
		t.Fatalf("full: %+v", s)
	}
	c.Set(ctx, "d", []byte("d")) // one too many: b is the least recently used
	if s := c.Stats(); s.Items != 3 || s.Evictions != 1 {
		t.Fatalf("one past full: %+v", s)
	}
	wantMiss(t, c, "b")
	c.Set(ctx, "c", []byte("C")) // overwriting needs no more room, and counts as use
	c.Set(ctx, "e", []byte("e"))
	wantMiss(t, c, "a")
	wantHit(t, c, "c", "C")
	wantHit(t, c, "d", "d")
	wantHit(t, c, "e", "e")
}

func boundsBytes(t *testing.T, c cache.Cache) {
	if c.Stats().MaxBytes == 0 {
		t.Skip("bytes are bounded outside of this process")
	}
	value := strings.Repeat("v", 249)
	for _, k := range []string{"a", "b", "c", "d"} { // 250 bytes each: just full
		c.Set(ctx, k, []byte(value))
	}
	if s := c.Stats(); s.Bytes != 1000 || s.Evictions != 0 {
		t.Fatalf("full: %+v", s)
	}
	c.Set(ctx, "b", []byte(value+"v")) // one byte too many
	if s := c.Stats(); s.Bytes != 751 || s.Items != 3 || s.Evictions != 1 {
		t.Fatalf("one past full: %+v", s)
	}
	wantMiss(t, c, "a")
	wantHit(t, c, "c", value)
	c.Set(ctx, "large", []byte(strings.Repeat("v", 495))) // replaces two entries
	wantMiss(t, c, "d")
	wantHit(t, c, "c", value)
	wantMiss(t, c, "b")
}

func refusesTheLarge(t *testing.T, c cache.Cache) {
	if c.Stats().MaxBytes == 0 {
		t.Skip("bytes are bounded outside of this process")
	}
	c.Set(ctx, "small", []byte("kept"))
	c.Set(ctx, "key", make([]byte, 497)) // 500 with the key: exactly half
	wantHit(t, c, "key", string(make([]byte, 497)))
	c.Set(ctx, "key", make([]byte, 498)) // one byte too many
	wantMiss(t, c, "key")                // the previous value is gone too
	wantHit(t, c, "small", "kept")
	c.Set(ctx, strings.Repeat("k", 501), nil) // keys count as well
	wantMiss(t, c, strings.Repeat("k", 501))
	if s := c.Stats(); s.Refused != 2 || s.Items != 1 || s.Evictions != 0 {
		t.Fatalf("after two refusals: %+v", s)
	}
}
