package memory

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// maxGCPercent is what a heap may grow by at most, however small it is.
const maxGCPercent = 400

// PaceCollections lets the heap grow by percent of what is live between two collections, and a
// small heap by room bytes: a collection costs about the same time for each megabyte, so one that frees
// half a megabyte is dear. It adjusts the percentage after each collection, for as long as the
// process runs; call it once.
func PaceCollections(room uint64, percent int) {
	debug.SetGCPercent(percent)
	watch := &pacer{room: room, percent: percent, set: percent, sample: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	watch.arm()
}

type pacer struct {
	room    uint64
	percent int // for heaps of any size
	set     int // now in effect
	sample  []metrics.Sample
}

// arm makes the next collection call adjust: garbage with a cleanup is found by every collection.
func (p *pacer) arm() {
	garbage := new([32]byte)
	runtime.AddCleanup(garbage, func(p *pacer) { p.adjust(); p.arm() }, p)
}

func (p *pacer) adjust() {
	metrics.Read(p.sample)
	want := gcPercent(p.sample[0].Value.Uint64(), p.room, p.percent)
	// Setting it stops all goroutines for a moment, so small changes are not worth it.
	if want-p.set > p.set/8 || p.set-want > p.set/8 {
		p.set = want
		debug.SetGCPercent(want)
	}
}

// gcPercent is the percentage by which live bytes grow by room, within bounds.
func gcPercent(live, room uint64, percent int) int {
	return max(percent, int(min(room*100/max(live, 1), maxGCPercent))) //nolint:gosec // at most maxGCPercent
}
