package memory

import (
	"runtime/debug"
	"testing"

	"studysharper/app/testkit"
)

func TestASmallHeapGrowsByRoomAndALargeOneByItsPercentage(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live uint64
		want int
	}{{0, maxGCPercent}, {mb / 2, maxGCPercent}, {2 * mb, 200}, {4 * mb, 100}, {8 * mb, 50}, {64 * mb, 50}} {
		if got := gcPercent(c.live, 4*mb, 50); got != c.want {
			t.Errorf("%d live bytes: %d %%, want %d", c.live, got, c.want)
		}
	}
}

func TestCollectionsArePacedByTheSizeOfTheHeap(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	PaceCollections(1<<40, 50)
	percent := func() int { p := debug.SetGCPercent(50); debug.SetGCPercent(p); return p }
	var garbage [][]byte
	testkit.Eventually(t, "the percentage rises", func() bool {
		garbage = append(garbage[:0], make([]byte, 1<<20))
		return percent() == maxGCPercent
	})
}
