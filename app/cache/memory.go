package cache

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"studysharper/app/study"
)

// MemoryOptions are the limits of a Memory.
type MemoryOptions struct {
	MaxItems int           // at least 1
	MaxBytes int64         // of keys and values together; at least 2
	TTL      time.Duration // since the Set; 0 = entries do not expire
}

// Memory is a Cache inside the process with true least-recently-used order: an entry just read outlives every entry
// read before it. bigcache stores the bytes, an index the order and the ages.
//
// When full, it occupies about 1.25 times MaxBytes of heap plus some 400 bytes per entry; when empty, almost nothing.
// It grows in steps of a fifth of MaxBytes (at least 1 MiB) and shrinks when entries are cleared or expire. Because it
// is live heap, the garbage collector tolerates as much garbage again, unless the process has a memory limit
// (GOMEMLIMIT).
//
// It has no goroutine and needs no Close: expired entries are removed by the next Set, Clear or Stats. Its methods wait
// only for each other, and so ignore their context; the longest wait is for copying one value.
type Memory struct {
	options MemoryOptions

	mu     sync.Mutex // guards the fields below
	index  *simplelru.LRU[string, *entry]
	ages   list[entry] // oldest Set first
	arena  arena
	bytes  int64
	spare  freeList[entry]
	counts Stats // only Hits, Misses, Evictions and Refused
}

// entry is a key's entry in the index.
type entry struct {
	key    string
	size   int // of the value
	stored time.Time
	value  *piece
	age    element[entry]
}

var _ Cache = (*Memory)(nil)

// NewMemory makes an empty cache. If options are out of range, it returns CodeInvalid with a fault for each.
func NewMemory(o MemoryOptions) (*Memory, error) {
	var faults []study.Fault
	if o.MaxItems < 1 {
		faults = append(faults, study.Fault{Field: "MaxItems", Detail: "at least 1"})
	}
	if o.MaxBytes < 2 || o.MaxBytes > 1<<40 {
		faults = append(faults, study.Fault{Field: "MaxBytes", Detail: "2 bytes to 1 TiB"})
	}
	if o.TTL < 0 {
		faults = append(faults, study.Fault{Field: "TTL", Detail: "0 (never) or more"})
	}
	if err := study.Invalid(faults); err != nil {
		return nil, err
	}
	m := &Memory{options: o}
	m.reset()
	return m, nil
}

// reset removes all entries and frees their memory.
func (m *Memory) reset() {
	// NewLRU fails only for a size below 1, which NewMemory refuses.
	m.index, _ = simplelru.NewLRU[string, *entry](m.options.MaxItems, nil)
	m.ages = list[entry]{}
	m.arena = arena{segmentMiB: segmentMiB(m.options.MaxBytes)}
	m.spare = freeList[entry]{}
	m.bytes = 0
}

// segmentMiB is a fifth of maxBytes, within the sizes that a bigcache ring supports: whole MiB, with 32-bit addresses.
func segmentMiB(maxBytes int64) int { return int(min(max(1, maxBytes/(5<<20)), 1024)) }

// Get implements Cache. It allocates the copy and, for a value over 64 KiB, temporarily as much again.
func (m *Memory) Get(_ context.Context, key string) (value []byte, age time.Duration, ok bool) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.index.Get(key)
	if !ok {
		m.counts.Misses++
		return nil, 0, false
	}
	if !m.expired(e, now) {
		if value, ok = m.arena.load(e.value, e.size); ok {
			m.counts.Hits++
			return value, max(0, now.Sub(e.stored)), true
		}
	}
	m.remove(e)
	m.release()
	m.counts.Misses++
	return nil, 0, false
}

// Set implements Cache.
func (m *Memory) Set(_ context.Context, key string, value []byte) { m.SetAged(key, value, 0) }

// SetAged is Set for a value that already has an age.
func (m *Memory) SetAged(key string, value []byte, age time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.expire(now)
	if e, ok := m.index.Peek(key); ok {
		m.remove(e)
	}
	if !m.Accepts(key, value) {
		m.counts.Refused++
		return
	}
	size := int64(len(key)) + int64(len(value))
	m.makeRoom(size)
	first, err := m.arena.store(value) //nolint:contextcheck // bigcache wants one for the goroutine it is told not to start
	if err != nil {
		m.counts.Refused++
		return
	}
	e := m.newEntry()
	// The caller's key may be in a buffer that is reused.
	e.key, e.size, e.stored, e.value = strings.Clone(key), len(value), now.Add(-age), first
	m.index.Add(e.key, e)
	older := m.ages.last
	for older != nil && older.owner.stored.After(e.stored) {
		older = older.prev
	}
	m.ages.insertAfter(older, &e.age)
	m.bytes += size
}

// Accepts reports whether an entry is small enough to be stored.
func (m *Memory) Accepts(key string, value []byte) bool {
	return int64(len(key))+int64(len(value)) <= m.options.MaxBytes/2
}

// makeRoom evicts entries until one with size more bytes fits.
func (m *Memory) makeRoom(size int64) {
	for m.index.Len() >= m.options.MaxItems || m.bytes+size > m.options.MaxBytes {
		_, e, ok := m.index.GetOldest()
		if !ok {
			return
		}
		m.remove(e)
		m.counts.Evictions++
	}
}

// Clear implements Cache. It scans all keys.
func (m *Memory) Clear(_ context.Context, pattern string) int {
	dropped := 0
	m.ClearMatching(pattern, func(string) { dropped++ })
	return dropped
}

// ClearMatching is Clear, and calls gone with each removed key. gone must not use the cache.
func (m *Memory) ClearMatching(pattern string, gone func(key string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(time.Now())
	for l := m.ages.first; l != nil; {
		e := l.owner
		l = l.next
		if strings.Contains(e.key, pattern) {
			gone(e.key)
			m.remove(e)
		}
	}
	m.release()
}

// Stats implements Cache.
func (m *Memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.expire(now) {
		m.release()
	}
	s := m.counts
	s.Backend = "memory"
	s.Items, s.MaxItems = m.index.Len(), m.options.MaxItems
	s.Bytes, s.MaxBytes = m.bytes, m.options.MaxBytes
	if m.ages.first != nil {
		s.OldestAge = max(0, now.Sub(m.ages.first.owner.stored))
	}
	return s
}

func (m *Memory) expired(e *entry, now time.Time) bool {
	return m.options.TTL > 0 && now.Sub(e.stored) >= m.options.TTL
}

// expire removes expired entries and reports whether there were any.
func (m *Memory) expire(now time.Time) (found bool) {
	for m.ages.first != nil && m.expired(m.ages.first.owner, now) {
		m.remove(m.ages.first.owner)
		found = true
	}
	return found
}

// remove removes e. It does not free its memory, because another entry is about to follow.
func (m *Memory) remove(e *entry) {
	m.index.Remove(e.key)
	m.ages.remove(&e.age)
	m.arena.drop(e.value)
	m.bytes -= int64(len(e.key)) + int64(e.size)
	e.key, e.value = "", nil
	m.spare.put(e)
}

// release frees memory that no entry is about to use.
func (m *Memory) release() {
	if m.index.Len() == 0 {
		m.reset()
		return
	}
	m.arena.release()
}

func (m *Memory) newEntry() *entry {
	if e := m.spare.take(); e != nil {
		return e
	}
	e := &entry{}
	e.age.owner = e
	return e
}
