package contextcache

import (
	"context"
	"sync/atomic"
	"unsafe"

	"studysharper/app/memory/shm"
)

// Slots is the number of counters in Versions. If users or parts share a counter by chance, their cached data is
// invalidated more often, with no other effect.
const Slots = 8192

// AllSlots means every slot.
const AllSlots = -1

// VersionsSize is the size of the shared memory that Versions needs, in bytes.
const VersionsSize = Slots * 8

// Peers connect a Versions with those of other instances.
type Peers struct {
	// Announce announces a bumped slot, or AllSlots, to the other instances, which apply it with BumpSlot. Run calls
	// it, once for several bumps in quick succession. nil = no announcements.
	Announce func(slot int)
	// Reliable reports whether every change in other instances is currently received. While it returns false, no
	// version is returned. InvalidateAll must be called before it returns true again.
	Reliable func() bool
}

// Versions are counters in 64 KiB of memory that all processes of a container share: one for each part of a user's
// data. If data is cached under the version that was current before it was read, the cached data is valid as long as
// the version does not change. Only Run blocks; all methods are safe for concurrent use, and a process that dies leaves
// nothing locked.
//
// A writer bumps the counter before a change and again after the commit, before the change is acknowledged. A reader
// that starts after that gets the second version, and data cached under it was read after the commit. Data that was
// read earlier is cached under a version that never returns. The same holds for several concurrent changes.
//
// The first bump covers a process that dies between the commit and the second bump: then only data that was read
// between the first bump and the commit can outlast the change, until InvalidateAll is called for the dead process. The
// same holds for a change whose outcome the database did not report. Neither change was acknowledged.
type Versions struct {
	memory        []byte
	reliable      func() bool
	announcements *Debouncer[int] // nil = not announced
}

// NewVersions returns the counters in a section of VersionsSize bytes.
func NewVersions(section *shm.Section) *Versions {
	return &Versions{memory: section.Bytes(), reliable: func() bool { return true }}
}

// Connect connects the counters with those of other instances. It must be called before any other use.
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

// Number is like Version, but also returns the number when it is not reliable.
func (v *Versions) Number(user, part string) (number uint64, reliable bool) {
	return v.counter(slotOf(user, part)).Load(), v.reliable()
}

// Bump must be called before a part of a user's data changes, and done after the change was made, or may have been
// made, and before it is acknowledged.
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

// BumpAll is Bump for a change that may affect any user.
func (v *Versions) BumpAll() (done func()) {
	v.InvalidateAll()
	return func() {
		v.InvalidateAll()
		if v.announcements != nil {
			v.announcements.AddAll()
		}
	}
}

// BumpSlot applies another instance's announcement. It ignores numbers that are not slots.
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

// Run announces bumps until ctx ends, then the pending ones.
func (v *Versions) Run(ctx context.Context) error {
	if v.announcements == nil {
		return nil
	}
	return v.announcements.Run(ctx)
}

func (v *Versions) counter(slot int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&v.memory[8*slot])) //nolint:gosec // the shared mapping is the point
}

// slotOf is the same in every process and instance (FNV-1a). A user who chooses a name with another user's slot gains
// nothing.
func slotOf(user, part string) int {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(part) {
		h = (h ^ uint64(part[i])) * prime
	}
	h *= prime // a zero byte as separator
	for i := range len(user) {
		h = (h ^ uint64(user[i])) * prime
	}
	return int((h ^ h>>32) % Slots) //nolint:gosec // under Slots
}
