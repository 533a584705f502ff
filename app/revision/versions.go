// Package revision tells the workers of a container, and those of others, whether what is
// kept of a user has changed, so that what one has read of it may be used again until
// then. The one idea: a number for each part of what is kept of a user, in memory that
// all processes share. It moves before a change is written and again after that, before
// the change is acknowledged; who caches notes the number as it was before reading.
//
// Why nobody reads the old after a change is acknowledged: the second move comes after
// the commit. Who asks afterwards finds the moved number, and what is cached under it was
// read after it had moved, hence after the commit. What was read earlier, also between
// the commit and the move, lies under a number that never comes back. Several changes at
// once behave the same: each moves the number after its own commit.
//
// Why it moves before as well: a process may die after the commit and before the second
// move, and then only what was read between the first move and the commit can outlast the
// change, until InvalidateAll is called for the dead. The same holds for a change whose
// outcome a database did not tell, for as long as the cache keeps it. Neither was
// acknowledged.
package revision

import (
	"context"
	"sync/atomic"
	"unsafe"

	"studysharper/app/shm"
)

// Slots is how many numbers a Versions has. Users whose parts share one by chance lose what
// is cached of theirs more often, and nothing else.
const Slots = 8192

// AllSlots stands for every slot.
const AllSlots = -1

// Size is how many bytes of shared memory Versions needs.
const Size = Slots * 8

// Options connect a Versions with other instances. The zero value is that of the only one.
type Options struct {
	// Announce tells the other instances of a slot that has moved, or of AllSlots, for
	// them to give to Heard. It is called from Run, once for moves that come together.
	Announce func(slot int)
	// Reliable reports whether every change elsewhere is heard of now. While it does not,
	// no Revision is given. Before it says so again, InvalidateAll is to be called, for what
	// was not heard. nil = always.
	Reliable func() bool
}

// Versions holds the numbers: 64 KiB of memory that all processes of a container share. Its
// methods never wait, but for Run, and are safe for concurrent use; a process that dies
// leaves nothing locked.
type Versions struct {
	memory        []byte
	trust         func() bool
	announcements *Debouncer[int] // nil = nobody is told
}

// NewVersions gives the numbers in a section of Size bytes.
func NewVersions(section *shm.Section, o Options) *Versions {
	t := &Versions{memory: section.Bytes(), trust: o.Reliable}
	if o.Announce != nil {
		t.announcements = NewDebouncer(DebouncerOptions[int]{MaxPending: Slots, Notify: o.Announce, NotifyAll: func() { o.Announce(AllSlots) }})
	}
	return t
}

// Version gives the number of a part of what is kept of a user. What is read after that
// may be used as long as the number is the same. ok is false while changes elsewhere may
// go unheard: what is cached is not to be used then.
func (t *Versions) Version(user, part string) (number uint64, ok bool) {
	if t.trust != nil && !t.trust() {
		return 0, false
	}
	return t.word(slotOf(user, part)).Load(), true
}

// Bump is called before a part of what is kept of a user changes, and done after it
// has, or may have: before anyone is told so.
func (t *Versions) Bump(user, part string) (done func()) {
	slot := slotOf(user, part)
	t.word(slot).Add(1)
	return func() {
		t.word(slot).Add(1)
		if t.announcements != nil {
			t.announcements.Add(slot)
		}
	}
}

// BumpAll is Change where it is not known whose part it is.
func (t *Versions) BumpAll() (done func()) {
	t.InvalidateAll()
	return func() {
		t.InvalidateAll()
		if t.announcements != nil {
			t.announcements.AddAll()
		}
	}
}

// BumpSlot takes what another instance has announced. What is not a slot is ignored.
func (t *Versions) BumpSlot(slot int) {
	switch {
	case slot == AllSlots:
		t.InvalidateAll()
	case slot >= 0 && slot < Slots:
		t.word(slot).Add(1)
	}
}

// InvalidateAll moves every number.
func (t *Versions) InvalidateAll() {
	for slot := range Slots {
		t.word(slot).Add(1)
	}
}

// Run announces until ctx ends, and then what still waits.
func (t *Versions) Run(ctx context.Context) error {
	if t.announcements == nil {
		return nil
	}
	return t.announcements.Run(ctx)
}

func (t *Versions) word(slot int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&t.memory[8*slot])) //nolint:gosec // the shared mapping is the point
}

// slotOf is the same in every process and instance (FNV-1a). Who chooses a user's name so
// that it shares another's slot gains nothing.
func slotOf(user, part string) int {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(part) {
		h = (h ^ uint64(part[i])) * prime
	}
	h *= prime // a zero byte between them
	for i := range len(user) {
		h = (h ^ uint64(user[i])) * prime
	}
	return int((h ^ h>>32) % Slots) //nolint:gosec // under Slots
}
