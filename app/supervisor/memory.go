package supervisor

import "time"

// outgrown reports whether a worker must be replaced because of its memory. If successive workers soon exceed the
// limit, replacing them does not help, so each must be older than the one before (MemoryPause). A worker above its
// share of the container's memory endangers the others and is replaced at once, unless it was above the limit when it
// became ready.
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

const (
	memoryPauseFirst = time.Second // after the second one in a row; doubles with each further one ...
	memoryPauseMost  = 10 * time.Minute
)

// MemoryPause is the age at which a worker may be replaced because of its memory, after so many such replacements in a
// row.
func MemoryPause(outgrown int) time.Duration {
	return pauseAfter(outgrown, memoryPauseFirst, memoryPauseMost)
}

// outgrownBy counts a worker of the slot that is replaced because of its memory. The count restarts after a worker that
// stayed within the limit for long enough.
func (s *Slot) outgrownBy(w Worker, l Limits, now time.Time) {
	if now.Sub(w.Started) > MemoryPause(s.Outgrown)+l.HealthyAfter {
		s.Outgrown = 0
	}
	s.Outgrown++
}
