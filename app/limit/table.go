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
	ways     = 8 // clients of a set
	entries  = sets * ways
	entryLen = int(unsafe.Sizeof(entry{}))
	seedLen  = 32

	// TableSize is how many bytes of shared memory a Table needs.
	TableSize = seedLen + entries*entryLen
)

// entry is a client. Nothing of its name is kept but a hash.
type entry struct {
	key  [2]uint64 // zero = free
	full [MaxPolicies]int64
}

// last is when the client has everything again: as if it had never been here.
func (e *entry) last() int64 { return max(e.full[0], e.full[1]) }

// Table is a Counter in memory that processes share: no message is sent. It holds 16,384
// clients in 512 KiB. A new client takes the place of that one of eight who will first
// have its whole quota again, so that those over a limit go last: to be rid of one's own
// place takes seven other clients who have used up more, in a set that nobody can choose,
// for the hash has a secret seed.
//
// A process that is stopped while it holds the section's lock, for less than a microsecond each time, stops all.
type Table struct {
	section *shm.Section
	memory  []byte
	now     func() int64 // nanoseconds on a clock that all processes share
}

// NewTable gives the table in a section of TableSize bytes. The container's first process must have made it before others do.
func NewTable(section *shm.Section) *Table {
	memory := section.Bytes()
	fillSeed(memory[:seedLen])
	return &Table{section: section, memory: memory, now: monotonic}
}

// fillSeed makes the secret of the hashes, unless there is one already.
func fillSeed(seed []byte) {
	if bytes.Equal(seed, make([]byte, seedLen)) {
		_, _ = rand.Read(seed) // it never fails
	}
}

// Take implements Counter. It waits for nothing but the lock, and ignores ctx.
func (t *Table) Take(_ context.Context, client string, policies []Policy) (Verdict, error) {
	return t.judge(client, policies, func(e *entry, now int64) Verdict { return judge(&e.full, policies, now) })
}

// Peek implements Counter, as Take does.
func (t *Table) Peek(_ context.Context, client string, policies []Policy) (Verdict, error) {
	return t.judge(client, policies, func(e *entry, now int64) Verdict {
		full := e.full
		return judge(&full, policies, now)
	})
}

// judge has a client's entry judged while it is locked.
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

// key hashes a client's name; never zero.
func (t *Table) key(client string) [2]uint64 {
	sum := sha256.Sum256(append(append(make([]byte, 0, seedLen+len(client)), t.memory[:seedLen]...), client...))
	return [2]uint64{binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:]) | 1}
}

// find gives a client's entry, which may have been another's. Whatever moment the
// process dies at, no client is left with what another has used.
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

// monotonic is the machine's monotonic clock: the same in every process, and not
// moved by a change of the wall clock.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}
