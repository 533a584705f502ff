package main

import (
	"runtime"
	"runtime/debug"
)

const (
	tideRange   = 256 // a rise or fall of fewer streams, or fewer answers, is not a flood
	tideTrickle = 10  // answers a second that do not count as a flood either
	tideCalm    = 3   // seconds of nearly the same number, after which one is over
)

// tideLater is when to give memory back once more, in seconds of calm: when the server has
// let go of what it kept for a next flood, which it looks for every 10 s if it was idle for 10,
// and when the database's connections, idle for 30, are closed.
var tideLater = [...]int{25, 50}

// heapTrimmer gives memory back to the system once a flood is over, of streams that have come or
// gone or of requests: what opening, closing and answering them took is garbage then, and
// the runtime by itself would keep it for minutes. It costs two collections, and two more
// for each of tideLater.
type heapTrimmer struct {
	settled loadMark // when memory was last given back
	before  loadMark // a second ago
	calm    int      // seconds since it last moved
	later   int      // which of tideLater is next, from 1; 0 = there was no flood yet
}

// loadMark is the load: open streams, and requests answered since the start.
type loadMark struct{ streams, answered int64 }

// look is to be told the mark once a second.
func (t *heapTrimmer) look(m loadMark) {
	if t.over(m) {
		runtime.GC() // twice, for what is in pools is garbage only the second time
		debug.FreeOSMemory()
	}
}

func (t *heapTrimmer) over(m loadMark) bool {
	if distance(m.streams, t.before.streams) > t.before.streams/50 || m.answered-t.before.answered > tideTrickle {
		t.calm = 0
	} else {
		t.calm++
	}
	t.before = m
	switch {
	case t.calm >= tideCalm && m.farFrom(t.settled):
		t.settled, t.later = m, 1
		return true
	case t.later > 0 && t.later <= len(tideLater) && t.calm >= tideLater[t.later-1]:
		t.later++
		return true
	}
	return false
}

// farFrom reports whether there was a flood between two marks.
func (m loadMark) farFrom(before loadMark) bool {
	return distance(m.streams, before.streams) >= tideRange || m.answered-before.answered >= tideRange
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
