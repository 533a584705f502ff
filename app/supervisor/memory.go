package supervisor

import "time"

// outgrown reports whether a worker must be replaced for its memory. If successive workers soon exceed the limit,
// replacing them does not help, so each must be older than the one before (MemoryPause). A worker that has grown
// above its share of the container endangers the others and is replaced at once, unless it was above the limit from its start.
func (d *decision) outgrown(w Worker) bool {
	l := d.limits
	if l.MaxMemory <= 0 || w.Memory <= l.MaxMemory {
		return false
	}
	if w.Memory > l.MemoryShare && w.BornWith <= l.MaxMemory {
		return true
	}
	return d.reached(w.Started.Add(MemoryPause(d.Slots[w.Slot].Outgrown)))
}

// The bounds of MemoryPause.
const (
	memoryPauseFirst = time.Second // after a second one; doubles with each further one ...
	memoryPauseMost  = 10 * time.Minute
)

// MemoryPause is how old a worker must be to be replaced for its memory, after outgrown replacements in a row.
func MemoryPause(outgrown int) time.Duration {
	return pauseAfter(outgrown, memoryPauseFirst, memoryPauseMost)
}

// outgrownBy counts a worker of the slot that is replaced for its memory. A worker that stayed within the limit for long
// enough starts the count again.
func (s *Slot) outgrownBy(w Worker, l Limits, now time.Time) {
	if now.Sub(w.Started) > MemoryPause(s.Outgrown)+l.HealthyAfter {
		s.Outgrown = 0
	}
	s.Outgrown++
}
