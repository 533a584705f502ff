package memory

import (
	"runtime"
	"runtime/debug"
)

const (
	floodRange   = 256 // a change by fewer streams, or fewer answers, is not a flood
	floodTrickle = 10  // answers per second that do not count as a flood either
	calmSeconds  = 3   // a flood is over after this many seconds of nearly constant load
)

// trimAgain is when memory is returned again, in seconds after the flood: when the HTTP server has dropped its spare
// buffers, and when the database connections, idle for 30 s, are closed.
var trimAgain = [...]int{25, 50}

// HeapTrimmer returns memory to the system after the process has started up, and after a flood of streams or requests:
// by then, the memory that the start-up, the streams or the requests allocated is garbage, and the runtime alone would
// retain it for minutes. It costs two garbage collections, and two more for each of trimAgain.
type HeapTrimmer struct {
	settled Load // when memory was last returned
	before  Load // a second ago
	calm    int  // seconds since the load last changed
	later   int  // which of trimAgain is next, from 1; 0 = memory has not been returned yet
}

// Load is what indicates a flood: open streams, and requests answered since the start.
type Load struct {
	Streams, Answered int64
	Beats             int64 // answers of the last second to the service's own heartbeat requests
}

// Update records the current load and returns memory if a flood is over. Call it once a second.
func (t *HeapTrimmer) Update(m Load) {
	if t.over(m) {
		runtime.GC() // twice, because pooled objects become garbage only after the first collection
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

// farFrom reports whether there was a flood between two loads.
func (m Load) farFrom(before Load) bool {
	return distance(m.Streams, before.Streams) >= floodRange || m.Answered-before.Answered >= floodRange
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
