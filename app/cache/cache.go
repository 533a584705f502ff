// Package cache keeps finished answers for a while, so that the same question
// asked again costs nothing. Its one idea: a cache may forget, but it may not
// lie and it may not grow. A lookup gives exactly what was set last under that
// key, or nothing; and every implementation states its bounds and holds them.
// The conformance suite of every implementation is package cachetest.
package cache

import (
	"context"
	"time"
)

// Cache is a bounded map from keys to bytes that drops entries on its own: the
// least recently used when it is full, and any entry older than its time to live.
// Keys and values may hold any bytes; the empty key and the empty value are legal.
// All methods are safe for concurrent use, and none of them fails: a cache that
// cannot answer misses, and one that cannot keep forgets.
type Cache interface {
	// Get gives the value last set under key, and how long ago that was. The
	// value is the caller's own copy; empty values come back empty, not nil.
	// A hit makes the entry the most recently used. ok is false for a key that is
	// absent, dropped or too old, and when ctx ends before an answer is there.
	Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool)

	// Set keeps a copy of value under key; the caller may reuse both. An entry
	// (key and value together) over half of Stats.MaxBytes is refused and counted.
	// Whatever the key held before is gone in either case.
	Set(ctx context.Context, key string, value []byte)

	// Clear drops the keys that contain pattern, every key when it is "", and
	// returns how many those were. The pattern is a plain substring.
	Clear(ctx context.Context, pattern string) int

	// Stats is a consistent reading of the counters and bounds.
	Stats() Stats
}

// Stats is what a cache holds, what it may hold, and what it has done since it was
// made. A bound of 0 means that something outside this process holds it.
type Stats struct {
	Backend   string // memory | redis | tiered
	Items     int
	MaxItems  int
	Bytes     int64 // keys and values of the entries held
	MaxBytes  int64
	Hits      uint64
	Misses    uint64        // expired entries count as misses
	Evictions uint64        // entries dropped to make room; not expired, overwritten or cleared ones
	Refused   uint64        // Sets of an entry too large to keep
	OldestAge time.Duration // since the Set of the oldest entry held; 0 when empty

	// Of caches outside of the process only.
	Corrupt uint64 // values that were not what had been set: cut short, changed or another key's; misses, and deleted
	Dropped uint64 // Sets that Redis did not get: it was away or full, or slower than they came
	Late    uint64 // look-ups that were not waited for any longer
	Resyncs uint64 // times the memory tier was emptied because a Clear by another process may have been missed
}
