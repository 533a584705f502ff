package supervisor

import "time"

// outgrown reports whether a worker is due for its memory. Where one successor after the other is soon above the limit,
// replacing them does not help, and each has to be older than the one before (MemoryPause). A worker that has grown
// above its share of the container endangers the others, and does not wait; one that began above it does.
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

// How old a worker must be to be replaced for its memory: after so many in a row were.
const (
	memoryPauseFirst = time.Second // after a second one; doubles with each further one ...
	memoryPauseMost  = 10 * time.Minute
)

// MemoryPause is how old a worker must be to be replaced for its memory, after so many in a row that were.
func MemoryPause(outgrown int) time.Duration {
	return pauseAfter(outgrown, memoryPauseFirst, memoryPauseMost)
}

// outgrownBy counts a worker of a slot that is replaced for its memory: in a row, unless it kept within it for longer
// than it had to be old.
func (s *Slot) outgrownBy(w Worker, l Limits, now time.Time) {
	if now.Sub(w.Started) > MemoryPause(s.Outgrown)+l.HealthyAfter {
		s.Outgrown = 0
	}
	s.Outgrown++
}
