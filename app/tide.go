package main

import (
	"runtime"
	"runtime/debug"
)

const (
	tideRange = 256 // a rise or fall of fewer streams is no flood
	tideCalm  = 3   // seconds of nearly the same number, after which one is over
	tideLate  = 15  // and after which what the server kept for a next one is garbage too
)

// tide gives memory back to the system once a flood of streams is over, whether they
// have come or gone: what opening and closing them took is garbage then, and the
// runtime by itself would keep it for minutes. It costs two collections, and two more
// when the server's own goroutines and buffers for that many have gone.
type tide struct {
	settled int64 // the level when memory was last given back
	before  int64 // the level a second ago
	calm    int   // seconds since it last moved
	again   bool  // the second time is still to come
}

// look is to be told the level once a second.
func (t *tide) look(level int64) {
	if t.over(level) {
		runtime.GC() // twice, for what is in pools is garbage only the second time
		debug.FreeOSMemory()
	}
}

func (t *tide) over(level int64) bool {
	if distance(level, t.before) > t.before/50 {
		t.calm = 0
	} else {
		t.calm++
	}
	t.before = level
	switch {
	case t.calm >= tideCalm && distance(level, t.settled) >= tideRange:
		t.settled, t.again = level, true
		return true
	case t.calm >= tideLate && t.again:
		t.again = false
		return true
	}
	return false
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
