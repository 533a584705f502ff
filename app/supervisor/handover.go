package supervisor

import (
	"studysharper/app/metrics"
)

// route sends a connection to the newest worker of its slot, or else to any that is ready. While no worker is ready, it
// keeps the connection in s.held.
func (s *Supervisor) route(m Message) {
	for {
		w := s.successor(m.Slot)
		switch {
		case w == nil && (s.stopping || len(s.held) >= s.o.MaxHeld):
			s.o.Board.Supervisor().Add(metrics.HandOversLost, 1)
			m.Release()
			return
		case w == nil:
			s.held = append(s.held, m)
			return
		}
		if err := w.process.Send(m); err == nil {
			s.o.Board.Supervisor().Add(metrics.HandOvers, 1)
			m.Release()
			return
		}
		w.unreachable = true
	}
}

// successor returns the worker that takes over a slot's connections; nil if no worker is ready.
func (s *Supervisor) successor(slot int) *worker {
	var best *worker
	for _, w := range s.inOrder() {
		if w.readyAt.IsZero() || !w.staying() || w.unreachable {
			continue
		}
		if best == nil || w.Slot == slot || best.Slot != slot {
			best = w
		}
	}
	return best
}

func (s *Supervisor) closePending() {
	for _, m := range s.held {
		m.Release()
	}
	s.held = nil
}
