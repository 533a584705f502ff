package limit

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"studysharper/app/memory/shm"
	"studysharper/app/study"
)

// The size of a table: half a megabyte for sixteen thousand clients.
const (
	sets     = 2048
	ways     = 8 // clients per set
	entries  = sets * ways
	entryLen = int(unsafe.Sizeof(entry{}))
	seedLen  = 32

	// TableSize is the size of the shared memory that a Table needs, in bytes.
	TableSize = seedLen + entries*entryLen
)

// entry is a client. Only a hash of its name is stored.
type entry struct {
	key  [2]uint64 // zero = free
	full [MaxPolicies]int64
}

// last returns when the client has its whole quota under every policy: then its entry no longer matters.
func (e *entry) last() int64 { return max(e.full[0], e.full[1]) }

// Table is a Counter in memory that processes share; it needs no messages. It has room for 16,384 clients in 512 KiB. A
// new client replaces the one of eight that will regain its whole quota first, so that clients over a limit stay
// longest. To evict its own entry, a client would need seven other clients that have used more, in the same set, which
// nobody can choose, because the hash has a secret seed.
//
// A process that is stopped while it holds the section's lock (less than a microsecond at a time) blocks all others.
type Table struct {
	section *shm.Section
	memory  []byte
	now     func() int64 // nanoseconds of a clock that all processes share
}

// NewTable returns the table in a section of TableSize bytes. The container's first process must call it before others
// do.
func NewTable(section *shm.Section) *Table {
	memory := section.Bytes()
	fillSeed(memory[:seedLen])
	return &Table{section: section, memory: memory, now: monotonic}
}

// fillSeed creates the hash's secret seed unless it exists.
func fillSeed(seed []byte) {
	if bytes.Equal(seed, make([]byte, seedLen)) {
		_, _ = rand.Read(seed) // never fails
	}
}

// Take implements Counter. It waits only for the lock, and ignores ctx.
func (t *Table) Take(_ context.Context, client string, policies []Policy) (Verdict, error) {
	return t.judge(client, policies, func(e *entry, now int64) Verdict { return judge(&e.full, policies, now) })
}

// Peek implements Counter, like Take.
func (t *Table) Peek(_ context.Context, client string, policies []Policy) (Verdict, error) {
	return t.judge(client, policies, func(e *entry, now int64) Verdict {
		full := e.full
		return judge(&full, policies, now)
	})
}

// judge calls by with a client's entry while the section is locked.
func (t *Table) judge(client string, policies []Policy, by func(*entry, int64) Verdict) (Verdict, error) {
	if len(policies) > MaxPolicies {
		return Verdict{}, study.Errorf(study.CodeInternal, "more than %d policies", MaxPolicies)
	}
	key := t.key(client)
	if err := t.section.Lock(); err != nil {
		return Verdict{}, err
	}
	defer t.section.Unlock()
	return by(t.find(key), t.now()), nil
}

// key hashes a client's name. It is never zero.
func (t *Table) key(client string) [2]uint64 {
	sum := sha256.Sum256(append(append(make([]byte, 0, seedLen+len(client)), t.memory[:seedLen]...), client...))
	return [2]uint64{binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:]) | 1}
}

// find returns a client's entry, which may replace another client's. Whenever the process dies, no client is left with
// another client's usage.
func (t *Table) find(key [2]uint64) *entry {
	set := t.set(int(key[0] % sets))
	oldest := &set[0]
	for i := range set {
		switch e := &set[i]; {
		case e.key == key:
			return e
		case e.last() < oldest.last():
			oldest = e
		}
	}
	oldest.full = [MaxPolicies]int64{}
	oldest.key = key
	return oldest
}

func (t *Table) set(i int) *[ways]entry {
	return (*[ways]entry)(unsafe.Pointer(&t.memory[seedLen+i*ways*entryLen])) //nolint:gosec // the shared mapping is the point
}

// monotonic returns the machine's monotonic clock. It is the same in every process, and changes of the wall clock do
// not affect it.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
