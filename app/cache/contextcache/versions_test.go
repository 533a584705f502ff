package contextcache

import (
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"studysharper/app/memory/shm"
)

func open(testing.TB) *Versions { return NewVersions(shm.Local(VersionsSize)) }

// attach returns a Versions on the same counters, as another process would have it.
func attach(_ testing.TB, table *Versions, p ...Peers) *Versions {
	other := NewVersions(shm.Local(VersionsSize))
	other.memory = table.memory
	for _, p := range p {
		other.Connect(p)
	}
	return other
}

func number(t testing.TB, table *Versions, user, part string) uint64 {
	t.Helper()
	n, ok := table.Version(user, part)
	if !ok {
		t.Fatal("it is not trusted")
	}
	return n
}

func TestAChangeMovesTheNumberBeforeAndAfter(t *testing.T) {
	mine := open(t)
	theirs := attach(t, mine)
	before := number(t, theirs, "ann", "notes")
	done := mine.Bump("ann", "notes")
	within := number(t, theirs, "ann", "notes")
	done()
	after := number(t, theirs, "ann", "notes")
	if before == within || within == after || before == after {
		t.Errorf("the number was %d, then %d, then %d", before, within, after)
	}
	if again := number(t, theirs, "ann", "notes"); again != after {
		t.Errorf("it moved by itself to %d", again)
	}
}

func TestAChangeMovesNothingElse(t *testing.T) {
	table := open(t)
	table.Bump("ann", "notes")()
	for _, c := range [][2]string{{"bob", "notes"}, {"ann", "preferences"}, {"ann", "aids"}, {"", "notes"}, {"notes", "ann"}} {
		if n := number(t, table, c[0], c[1]); n != 0 {
			t.Errorf("%v is at %d", c, n)
		}
	}
}

func TestAChangeOfNobodyKnownMovesAll(t *testing.T) {
	table := open(t)
	done := table.BumpAll()
	for slot := range Slots {
		if n := table.counter(slot).Load(); n != 1 {
			t.Fatalf("slot %d is at %d before the change", slot, n)
		}
	}
	done()
	for slot := range Slots {
		if n := table.counter(slot).Load(); n != 2 {
			t.Fatalf("slot %d is at %d after it", slot, n)
		}
	}
}

func TestUsersAreSpreadOverTheSlots(t *testing.T) {
	used := make(map[int]int)
	for i := range Slots {
		used[slotOf(fmt.Sprintf("student-%d", i), "notes")]++
	}
	most := 0
	for slot, n := range used {
		if slot < 0 || slot >= Slots {
			t.Fatalf("slot %d", slot)
		}
		most = max(most, n)
	}
	if len(used) < Slots/2 || most > 12 { // by chance 63 % are used, and the most is 7 or 8
		t.Errorf("%d slots are used, one by %d", len(used), most)
	}
	// Other instances must agree, whatever their build.
	if got := slotOf("ann", "notes"); got != 4605 {
		t.Errorf("ann's notes are at slot %d", got)
	}
}

func TestWhatIsHeardMovesItsSlotAndNoOther(t *testing.T) {
	table := open(t)
	for _, slot := range []int{0, Slots - 1, -2, Slots, 1 << 40, -1 << 40} {
		table.BumpSlot(slot)
	}
	sum := uint64(0)
	for slot := range Slots {
		sum += table.counter(slot).Load()
	}
	if sum != 2 || table.counter(0).Load() != 1 || table.counter(Slots-1).Load() != 1 {
		t.Errorf("%d moves in all", sum)
	}
	table.BumpSlot(AllSlots)
	if n := table.counter(Slots / 2).Load(); n != 1 {
		t.Errorf("all slots were heard of, and one is at %d", n)
	}
}

func TestNothingIsSaidWhileChangesElsewhereGoUnheard(t *testing.T) {
	var heard atomic.Bool
	table := attach(t, open(t), Peers{Reliable: heard.Load})
	if _, ok := table.Version("ann", "notes"); ok {
		t.Error("a number is given that is not trusted")
	}
	heard.Store(true)
	if _, ok := table.Version("ann", "notes"); !ok {
		t.Error("no number is given")
	}
}

func TestChangesAreAnnouncedToOtherInstances(t *testing.T) {
	var mu sync.Mutex
	var said []int
	table := attach(t, open(t), Peers{Reliable: func() bool { return true }, Announce: func(slot int) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, slot)
	}})
	done := table.Bump("ann", "notes")
	table.BumpSlot(7) // from another instance: must not be announced again
	run(t, table.Run)
	if mu.Lock(); len(said) != 0 {
		t.Errorf("%v was announced before it was changed", said)
	}
	mu.Unlock()
	done()
	run(t, table.Run)
	table.BumpAll()()
	run(t, table.Run)
	mu.Lock()
	defer mu.Unlock()
	if len(said) != 2 || said[0] != slotOf("ann", "notes") || said[1] != AllSlots {
		t.Errorf("announced %v", said)
	}
}

// TestNobodyReadsTheOldAfterAChangeIsAcknowledged has two workers cache what they read while others write, and checks
// that no answer is older than what was acknowledged when the query began. Users share slots by chance, as in
// production.
func TestNobodyReadsTheOldAfterAChangeIsAcknowledged(t *testing.T) {
	const users, writes = 3, 20_000
	table := open(t)
	var kept, acknowledged [users]atomic.Int64
	var stop atomic.Bool
	var writers, readers sync.WaitGroup
	for range 2 { // writers of the same users
		writers.Go(func() {
			for i := range writes {
				u := i % users
				done := table.Bump(strconv.Itoa(u), "notes")
				runtime.Gosched() // let the workers run in between
				at := kept[u].Add(1)
				runtime.Gosched()
				done()
				for was := acknowledged[u].Load(); was < at && !acknowledged[u].CompareAndSwap(was, at); was = acknowledged[u].Load() {
				}
			}
		})
	}
	var reads, hits atomic.Int64
	for range 2 { // workers
		own := attach(t, table)
		type entry struct {
			number uint64
			value  int64
		}
		var cached [users]atomic.Pointer[entry]
		for range 2 { // concurrent requests of each
			readers.Go(func() {
				for u := 0; !stop.Load(); u = (u + 1) % users {
					least := acknowledged[u].Load()
					n, _ := own.Version(strconv.Itoa(u), "notes")
					e := cached[u].Load()
					if e != nil && e.number == n {
						hits.Add(1)
					} else {
						runtime.Gosched()
						e = &entry{n, kept[u].Load()}
						cached[u].Store(e)
					}
					if reads.Add(1); e.value < least {
						t.Errorf("user %d reads %d after %d was acknowledged", u, e.value, least)
						return
					}
				}
			})
		}
	}
	writers.Wait()
	for target := reads.Load() + 1000; reads.Load() < target && !t.Failed(); { // and after everything is written
	}
	stop.Store(true)
	readers.Wait()
	if hits.Load() == 0 {
		t.Error("nothing was ever read from a cache")
	}
	t.Logf("%d reads, %d of them from a cache", reads.Load(), hits.Load())
}

func BenchmarkRevision(b *testing.B) {
	table := open(b)
	for b.Loop() {
		if _, ok := table.Version("0192f0e4-7d1c-7000-8000-000000000001", "notes"); !ok {
			b.Fatal("it is not trusted")
		}
	}
}
