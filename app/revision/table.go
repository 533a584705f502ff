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
// once are no different: each moves the number after its own commit.
//
// Why it moves before as well: a process may die after the commit and before the second
// move, and then only what was read between the first move and the commit can outlast the
// change, until ForgetAll is called for the dead. The same holds for a change whose
// outcome a database did not tell, for as long as the cache keeps it. Neither was
// acknowledged.
package revision

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"studysharper/app/memfile"
)

// Slots is how many numbers a Table has. Users whose parts share one by chance lose what
// is cached of theirs more often, and nothing else.
const Slots = 8192

// AllSlots stands for every slot.
const AllSlots = -1

const tableLen = Slots * 8

// Options connect a Table with other instances. The zero value is that of the only one.
type Options struct {
	// Announce tells the other instances of a slot that has moved, or of AllSlots, for
	// them to give to Heard. It is called from Run, once for moves that come together.
	Announce func(slot int)
	// Trust reports whether every change elsewhere is heard of now. While it does not,
	// no Revision is given. Before it says so again, ForgetAll is to be called, for what
	// was not heard. nil = always.
	Trust func() bool
}

// Table holds the numbers: 64 KiB of memory that all processes of a container share. Its
// methods never wait, but for Run, and are safe for concurrent use; a process that dies
// leaves nothing locked.
type Table struct {
	file   *os.File
	memory []byte
	trust  func() bool
	news   *Herald[int] // nil = nobody is told
}

// OpenTable makes a table in an anonymous memory file.
func OpenTable() (*Table, error) {
	file, err := memfile.Open("revisions", tableLen)
	if err != nil {
		return nil, err
	}
	return AttachTable(file, Options{})
}

// AttachTable maps a table from a file that OpenTable made; the table owns it.
func AttachTable(file *os.File, o Options) (*Table, error) {
	memory, err := memfile.Map(file, tableLen)
	if err != nil {
		return nil, err
	}
	t := &Table{file: file, memory: memory, trust: o.Trust}
	if o.Announce != nil {
		t.news = NewHerald(HeraldOptions[int]{Most: Slots, Say: o.Announce, SayAll: func() { o.Announce(AllSlots) }})
	}
	return t, nil
}

// File is what a worker's process inherits to AttachTable.
func (t *Table) File() *os.File { return t.file }

// Close unmaps the table, which must not be used afterwards. It may be called again.
func (t *Table) Close() error {
	if t.memory == nil {
		return nil
	}
	memory := t.memory
	t.memory = nil
	return errors.Join(unix.Munmap(memory), t.file.Close())
}

// Revision gives the number of a part of what is kept of a user. What is read after that
// may be used as long as the number is the same. ok is false while changes elsewhere may
// go unheard: what is cached is not to be used then.
func (t *Table) Revision(user, part string) (number uint64, ok bool) {
	if t.trust != nil && !t.trust() {
		return 0, false
	}
	return t.word(slotOf(user, part)).Load(), true
}

// Change is called before a part of what is kept of a user changes, and done after it
// has, or may have: before anyone is told so.
func (t *Table) Change(user, part string) (done func()) {
	slot := slotOf(user, part)
	t.word(slot).Add(1)
	return func() {
		t.word(slot).Add(1)
		if t.news != nil {
			t.news.Tell(slot)
		}
	}
}

// ChangeAny is Change where it is not known whose part it is.
func (t *Table) ChangeAny() (done func()) {
	t.ForgetAll()
	return func() {
		t.ForgetAll()
		if t.news != nil {
			t.news.TellAll()
		}
	}
}

// Heard takes what another instance has announced. What is no slot is ignored.
func (t *Table) Heard(slot int) {
	switch {
	case slot == AllSlots:
		t.ForgetAll()
	case slot >= 0 && slot < Slots:
		t.word(slot).Add(1)
	}
}

// ForgetAll moves every number.
func (t *Table) ForgetAll() {
	for slot := range Slots {
		t.word(slot).Add(1)
	}
}

// Run announces until ctx ends, and then what still waits.
func (t *Table) Run(ctx context.Context) error {
	if t.news == nil {
		return nil
	}
	return t.news.Run(ctx)
}

func (t *Table) word(slot int) *atomic.Uint64 {
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
