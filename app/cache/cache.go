// Package cache stores finished answers for a while, so that the same question asked again costs nothing. A cache may
// forget, but it must never return a wrong value or grow beyond its limits: a lookup returns exactly the last value set
// under that key, or nothing, and every implementation states and enforces its limits. Package cachetest is the
// conformance suite for all implementations.
package cache

import (
	"context"
	"time"
)

// Cache is a bounded map from keys to bytes that removes entries itself: the least recently used when it is full, and
// any entry older than its time to live. Keys and values may contain any bytes; the empty key and the empty value are
// allowed. All methods are safe for concurrent use, and none of them fails: if a cache cannot answer, it misses, and if
// it cannot store, it forgets.
type Cache interface {
	// Get returns the last value set under key, and its age. The value is the caller's own copy; an empty value is
	// returned empty, not nil. A hit makes the entry the most recently used. ok is false if the key is absent, was
	// removed or has expired, or if ctx ends first.
	Get(ctx context.Context, key string) (value []byte, age time.Duration, ok bool)

	// Set stores a copy of value under key; the caller may reuse both. An entry (key and value together) larger than
	// half of Stats.MaxBytes is refused and counted. The key's previous value is removed in either case.
	Set(ctx context.Context, key string, value []byte)

	// Clear removes the keys that contain pattern, or every key if pattern is "", and returns their number. The pattern
	// is a plain substring.
	Clear(ctx context.Context, pattern string) int

	// Stats returns a consistent reading of the counters and limits.
	Stats() Stats
}

// Stats describes a cache's contents and limits, and what it has done since it was made. A limit of 0 means that
// something outside this process enforces it.
type Stats struct {
	Backend   string // memory | redis | tiered
	Items     int
	MaxItems  int
	Bytes     int64 // of the stored keys and values
	MaxBytes  int64
	Hits      uint64
	Misses    uint64        // expired entries count as misses
	Evictions uint64        // entries removed to make room; without expired, overwritten and cleared ones
	Refused   uint64        // Sets of an entry that was too large
	OldestAge time.Duration // since the Set of the oldest stored entry; 0 if empty

	// Only for caches outside the process.
	Corrupt uint64 // values that differed from what was set: truncated, changed or another key's; counted as misses, and deleted
	Dropped uint64 // Sets that were not sent to Redis, because it was unavailable, full or too slow
	Late    uint64 // lookups abandoned because they took too long
	Resyncs uint64 // number of times the memory tier was cleared because it may have missed another process's Clear
}
