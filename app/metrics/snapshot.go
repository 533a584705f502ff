package metrics

import "runtime"

// Snapshot is the board read at one moment.
type Snapshot struct {
	Workers []Reading // live worker processes, by page
	Own     Reading   // the supervisor; its counters are those of departed workers and its own
}

// Reading is a copy of one page; copies of a Reading share it.
type Reading struct {
	Index int // page of the board; 0 = the supervisor
	words *[pageWords]uint64
}

// Gauge reads a gauge of the copy.
func (r Reading) Gauge(g Gauge) int64 { return int64(r.words[g]) } //nolint:gosec // as it was stored

// Count reads a counter of the copy.
func (r Reading) Count(c Counter) uint64 { return r.words[c] }

// State is the worker's state.
func (r Reading) State() State { return State(r.Gauge(StateOf)) }

// Sum adds a gauge over the live workers.
func (s Snapshot) Sum(g Gauge) int64 {
	var total int64
	for _, w := range s.Workers {
		total += w.Gauge(g)
	}
	return total
}

// Total adds a counter over all workers there ever were, and the supervisor.
func (s Snapshot) Total(c Counter) uint64 {
	total := s.Own.Count(c)
	for _, w := range s.Workers {
		total += w.Count(c)
	}
	return total
}

// Oldest is the smallest value above 0 of a gauge that holds a time; 0 when none has one.
func (s Snapshot) Oldest(g Gauge) int64 {
	var oldest int64
	for _, w := range s.Workers {
		if at := w.Gauge(g); at > 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
	}
	return oldest
}

// Snapshot copies the board. No counter of it is lower than in an earlier
// Snapshot, whichever workers left between the two.
func (b *Board) Snapshot() Snapshot {
	own := b.Supervisor()
	for {
		before := own.words[version].Load()
		s := Snapshot{Own: b.read(0)}
		for i := 1; i <= MaxWorkers; i++ {
			if State(b.entry(i).Gauge(StateOf)) != Absent {
				s.Workers = append(s.Workers, b.read(i))
			}
		}
		if before%2 == 0 && own.words[version].Load() == before {
			return s
		}
		runtime.Gosched()
	}
}

// Sum adds a gauge over the live workers without copying the board: what admission
// asks for on every request.
func (b *Board) Sum(g Gauge) int64 {
	var total int64
	for i := 1; i <= MaxWorkers; i++ {
		if p := b.entry(i); State(p.Gauge(StateOf)) != Absent {
			total += p.Gauge(g)
		}
	}
	return total
}

// SumOfSlot is Sum for the workers of one slot: the one that serves, and its predecessor while that leaves.
func (b *Board) SumOfSlot(slot int64, gauges ...Gauge) int64 {
	var total int64
	for i := 1; i <= MaxWorkers; i++ {
		if p := b.entry(i); State(p.Gauge(StateOf)) != Absent && p.Gauge(Slot) == slot {
			for _, g := range gauges {
				total += p.Gauge(g)
			}
		}
	}
	return total
}

func (b *Board) read(index int) Reading {
	r, p := Reading{Index: index, words: new([pageWords]uint64)}, b.entry(index)
	for i := range r.words {
		r.words[i] = p.words[i].Load()
	}
	return r
}
