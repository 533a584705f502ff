package contextcache

import (
	"bytes"
	"container/list"
	"context"
	"strings"
	"sync"
	"time"

	"studysharper/app/cache"
)

// Options are the limits of a Cache.
type Options struct {
	MaxItems int           // at least 1
	MaxBytes int64         // of keys and values together; at least 2
	TTL      time.Duration // since the Set; 0 = entries do not expire
}

// Cache is a cache.Cache for few and small entries: a map and a list in order of use. When full, it occupies MaxBytes
// of heap plus about 250 bytes per entry. Clear and Stats remove expired entries, and Set does so once a second.
type Cache struct {
	o Options

	mu      sync.Mutex // guards the fields below
	entries map[string]*list.Element
	recent  list.List // of *entry, the most recently used first
	stats   cache.Stats
	swept   time.Time // when Set last searched for expired entries
}

const sweepEvery = time.Second // scanning all entries costs more than a Set

type entry struct {
	key    string
	value  []byte
	stored time.Time
}

func (e *entry) size() int64 { return int64(len(e.key) + len(e.value)) }

var _ cache.Cache = (*Cache)(nil)

// NewCache makes an empty cache.
func NewCache(o Options) *Cache {
	return &Cache{o: o, entries: make(map[string]*list.Element),
		stats: cache.Stats{Backend: "lru", MaxItems: o.MaxItems, MaxBytes: o.MaxBytes}}
}

// Get implements cache.Cache.
func (c *Cache) Get(_ context.Context, key string) (value []byte, age time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.entries[key]
	if at == nil || c.expired(entryOf(at)) {
		c.stats.Misses++
		return nil, 0, false
	}
	c.stats.Hits++
	c.recent.MoveToFront(at)
	e := entryOf(at)
	return bytes.Clone(e.value), time.Since(e.stored), true
}

// Set implements cache.Cache.
func (c *Cache) Set(_ context.Context, key string, value []byte) {
	e := &entry{key: strings.Clone(key), value: append([]byte{}, value...), stored: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.stored.Sub(c.swept) >= sweepEvery {
		c.dropWhere(c.expired)
		c.swept = e.stored
	}
	if at := c.entries[key]; at != nil {
		c.drop(at)
	}
	if e.size() > c.o.MaxBytes/2 {
		c.stats.Refused++
		return
	}
	for len(c.entries) >= c.o.MaxItems || c.stats.Bytes+e.size() > c.o.MaxBytes {
		c.drop(c.recent.Back())
		c.stats.Evictions++
	}
	c.entries[e.key] = c.recent.PushFront(e)
	c.stats.Bytes += e.size()
}

// Clear implements cache.Cache.
func (c *Cache) Clear(_ context.Context, pattern string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropWhere(c.expired)
	return c.dropWhere(func(e *entry) bool { return strings.Contains(e.key, pattern) })
}

// Stats implements cache.Cache.
func (c *Cache) Stats() cache.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropWhere(c.expired)
	s := c.stats
	s.Items = len(c.entries)
	for at := c.recent.Front(); at != nil; at = at.Next() {
		s.OldestAge = max(s.OldestAge, time.Since(entryOf(at).stored))
	}
	return s
}

func entryOf(at *list.Element) *entry { return at.Value.(*entry) }

func (c *Cache) expired(e *entry) bool {
	return c.o.TTL > 0 && time.Since(e.stored) >= c.o.TTL
}

// dropWhere removes the entries for which f returns true, and returns their number.
func (c *Cache) dropWhere(f func(*entry) bool) (n int) {
	for at := c.recent.Front(); at != nil; {
		next := at.Next()
		if f(entryOf(at)) {
			c.drop(at)
			n++
		}
		at = next
	}
	return n
}

func (c *Cache) drop(at *list.Element) {
	e := c.recent.Remove(at).(*entry)
	delete(c.entries, e.key)
	c.stats.Bytes -= e.size()
}
