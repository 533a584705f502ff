package contextcache

import (
	"context"
	"sync/atomic"
	"unsafe"

	"studysharper/app/memory/shm"
)

// Slots is how many counters a Versions has. Users and parts that share one by chance lose
// what is cached of them more often, and nothing else.
const Slots = 8192

// AllSlots stands for every slot.
const AllSlots = -1

// VersionsSize is how many bytes of shared memory Versions needs.
const VersionsSize = Slots * 8

// Peers connect a Versions with those of other instances.
type Peers struct {
	// Announce tells the other instances of a slot that was bumped, or of AllSlots; they
	// apply it by BumpSlot. It is called from Run, once for bumps that come together. nil =
	// they are not told.
	Announce func(slot int)
	// Reliable reports whether every change elsewhere is heard of now. While it does not, no
	// version is given. Before it does so again, InvalidateAll is to be called.
	Reliable func() bool
}

// Versions are counters in 64 KiB of memory that all processes of a container share: one for
// each part of what is kept of a user. Cache under the version that there was before reading,
// and what is cached is valid as long as the version is the same. No method waits but Run;
// all are safe for concurrent use, and a process that dies leaves nothing locked.
//
// A writer bumps the counter before a change and again after the commit, before the change is
// acknowledged. A reader that asks afterwards finds the second version, and what is cached under it
// was read after the commit. What was read earlier is cached under a version that never
// comes back. Several changes at once behave the same.
//
// The first bump covers a process that dies between the commit and the second: only what was
// read between the first bump and the commit can then outlast the change, until
// InvalidateAll is called for the dead process. The same holds for a change whose outcome the
// database did not report. Neither was acknowledged.
type Versions struct {
	memory        []byte
	reliable      func() bool
	announcements *Debouncer[int] // nil = nobody is told
}

// NewVersions gives the counters in a section of VersionsSize bytes.
func NewVersions(section *shm.Section) *Versions {
	return &Versions{memory: section.Bytes(), reliable: func() bool { return true }}
}

// Connect makes them those of several instances. It must be called before any other use.
func (v *Versions) Connect(p Peers) {
	v.reliable = p.Reliable
	if p.Announce != nil {
		v.announcements = NewDebouncer(DebouncerOptions[int]{MaxPending: Slots, Notify: p.Announce, NotifyAll: func() { p.Announce(AllSlots) }})
	}
}

// Version implements agent.Versions.
func (v *Versions) Version(user, part string) (number uint64, ok bool) {
	if !v.reliable() {
		return 0, false
	}
	return v.counter(slotOf(user, part)).Load(), true
}

// Number is Version for callers that also go by what they have heard of so far, while that may not be all (not reliable).
func (v *Versions) Number(user, part string) (number uint64, reliable bool) {
	return v.counter(slotOf(user, part)).Load(), v.reliable()
}

// Bump is called before a part of what is kept of a user changes, and done after it has, or
// may have: before anyone is told so.
func (v *Versions) Bump(user, part string) (done func()) {
	slot := slotOf(user, part)
	v.counter(slot).Add(1)
	return func() {
		v.counter(slot).Add(1)
		if v.announcements != nil {
			v.announcements.Add(slot)
		}
	}
}

// BumpAll is Bump for a change of which it is not known whose it is.
func (v *Versions) BumpAll() (done func()) {
	v.InvalidateAll()
	return func() {
		v.InvalidateAll()
		if v.announcements != nil {
			v.announcements.AddAll()
		}
	}
}

// BumpSlot applies what another instance has announced. A number that is not a slot's is ignored.
func (v *Versions) BumpSlot(slot int) {
	switch {
	case slot == AllSlots:
		v.InvalidateAll()
	case slot >= 0 && slot < Slots:
		v.counter(slot).Add(1)
	}
}

// InvalidateAll bumps every counter.
func (v *Versions) InvalidateAll() {
	for slot := range Slots {
		v.counter(slot).Add(1)
	}
}

// Run announces until ctx ends, and then what is pending.
func (v *Versions) Run(ctx context.Context) error {
	if v.announcements == nil {
		return nil
	}
	return v.announcements.Run(ctx)
}

func (v *Versions) counter(slot int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&v.memory[8*slot])) //nolint:gosec // the shared mapping is the point
}

// slotOf is the same in every process and instance (FNV-1a). A user who picks a name that
// shares another's slot gains nothing.
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
