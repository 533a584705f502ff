package metrics

import "runtime"

// Snapshot is a consistent copy of the board.
type Snapshot struct {
	Workers []Reading // live worker processes, by index
	Own     Reading   // the supervisor; its counters include those of departed workers
}

// Reading is a copy of one page; copies of a Reading share its data.
type Reading struct {
	Index int // page of the board; 0 = the supervisor
	words *[pageWords]uint64
}

// Gauge returns a gauge of the copy.
func (r Reading) Gauge(g Gauge) int64 { return int64(r.words[g]) } //nolint:gosec // as it was stored

// Count returns a counter of the copy.
func (r Reading) Count(c Counter) uint64 { return r.words[c] }

// State returns the worker's state.
func (r Reading) State() State { return State(r.Gauge(StateOf)) }

// Sum sums a gauge over the live workers.
func (s Snapshot) Sum(g Gauge) int64 {
	var total int64
	for _, w := range s.Workers {
		total += w.Gauge(g)
	}
	return total
}

// Total sums a counter over the supervisor and all workers, including departed ones.
func (s Snapshot) Total(c Counter) uint64 {
	total := s.Own.Count(c)
	for _, w := range s.Workers {
		total += w.Count(c)
	}
	return total
}

// Oldest returns the smallest value above 0 of a gauge that holds a time; 0 if there is none.
func (s Snapshot) Oldest(g Gauge) int64 {
	var oldest int64
	for _, w := range s.Workers {
		if at := w.Gauge(g); at > 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
	}
	return oldest
}

// Snapshot copies the board. No counter is lower than in an earlier Snapshot, even if workers left between the two.
func (b *Board) Snapshot() Snapshot {
	var s Snapshot
	b.Refresh(&s)
	return s
}

// Refresh is Snapshot in the memory of an earlier one, whose Readings change with it.
func (b *Board) Refresh(s *Snapshot) {
	own := b.Supervisor()
	for {
		before := own.words[version].Load()
		s.Own = b.read(0, s.Own)
		s.Workers = s.Workers[:0]
		for i := 1; i <= MaxWorkers; i++ {
			if State(b.entry(i).Gauge(StateOf)) == Absent {
				continue
			}
			var earlier Reading
			if n := len(s.Workers); n < cap(s.Workers) {
				earlier = s.Workers[:n+1][n]
			}
			s.Workers = append(s.Workers, b.read(i, earlier))
		}
		if before%2 == 0 && own.words[version].Load() == before {
			return
		}
		runtime.Gosched()
	}
}

// Sum sums a gauge over the live workers without copying the board, because admission needs it on every request.
func (b *Board) Sum(g Gauge) int64 {
	var total int64
	for i := 1; i <= MaxWorkers; i++ {
		if p := b.entry(i); State(p.Gauge(StateOf)) != Absent {
			total += p.Gauge(g)
		}
	}
	return total
}

// SumOfSlot is Sum for the workers of one slot: the serving one, and its predecessor while that one is leaving.
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

// read copies a page into the memory of an earlier Reading, if it has any.
func (b *Board) read(index int, earlier Reading) Reading {
	r, p := Reading{Index: index, words: earlier.words}, b.entry(index)
	if r.words == nil {
		r.words = new([pageWords]uint64)
	}
	for i := range r.words {
		r.words[i] = p.words[i].Load()
	}
	return r
}
