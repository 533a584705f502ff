package memory

import (
	"runtime"
	"runtime/debug"
)

const (
	floodRange   = 256 // a rise or fall of fewer streams, or fewer answers, is not a flood
	floodTrickle = 10  // answers a second that do not count as a flood either
	calmSeconds  = 3   // seconds of nearly the same number, after which one is over
)

// trimAgain is when to give memory back once more, in seconds of calm: when the server has
// let go of what it kept for a next flood, and when the database's
// connections, idle for 30, are closed.
var trimAgain = [...]int{25, 50}

// HeapTrimmer gives memory back to the system once the start of the process is over, or a flood, of streams that have come
// or gone or of requests: what migrating, opening, closing and answering took is garbage then, and
// the runtime by itself would keep it for minutes. It costs two collections, and two more
// for each of trimAgain.
type HeapTrimmer struct {
	settled Load // when memory was last given back
	before  Load // a second ago
	calm    int  // seconds since it last moved
	later   int  // which of trimAgain is next, from 1; 0 = nothing was given back yet
}

// Load is what a flood shows in: open streams, and requests answered since the start.
type Load struct {
	Streams, Answered int64
	Beats             int64 // answers of the last second that are the service's own heartbeats
}

// Look takes the load; call it once a second.
func (t *HeapTrimmer) Look(m Load) {
	if t.over(m) {
		runtime.GC() // twice, for what is in pools is garbage only the second time
		debug.FreeOSMemory()
	}
}

func (t *HeapTrimmer) over(m Load) bool {
	if distance(m.Streams, t.before.Streams) > t.before.Streams/50 || m.Answered-t.before.Answered > floodTrickle {
		t.calm = 0
	} else {
		t.calm++
	}
	t.before = m
	t.settled.Answered += m.Beats
	switch {
	case t.calm >= calmSeconds && (t.later == 0 || m.farFrom(t.settled)):
		t.settled, t.later, t.calm = m, 1, calmSeconds
		return true
	case t.later > 0 && t.later <= len(trimAgain) && t.calm >= trimAgain[t.later-1]:
		t.later++
		return true
	}
	return false
}

// farFrom reports whether there was a flood between two marks.
func (m Load) farFrom(before Load) bool {
	return distance(m.Streams, before.Streams) >= floodRange || m.Answered-before.Answered >= floodRange
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
