package supervisor

import (
	"os"
	"syscall"
	"time"

	"studysharper/app/metrics"
)

func (s *Supervisor) signal(sig os.Signal) {
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT:
		if s.stopping {
			s.stop(0)
			return
		}
		s.stop(s.o.Limits.Graceful)
	case syscall.SIGQUIT:
		s.stop(0)
	case syscall.SIGHUP:
		s.reload()
	case syscall.SIGTTIN:
		s.grow()
	case syscall.SIGTTOU:
		s.shrink()
	case syscall.SIGUSR1:
		s.logBoard()
	}
}

// reload marks every worker as outdated.
func (s *Supervisor) reload() {
	s.reloads++
	s.o.Log.Info("Reloading: every worker is replaced", "workers", len(s.slots))
}

func (s *Supervisor) grow() {
	last := len(s.slots) - 1
	switch {
	case last >= 0 && s.slots[last].Closing:
		s.slots[last].Closing = false
	case len(s.slots) >= s.o.MaxWorkers:
		s.o.Log.Warn("cannot add a worker: the memory budget is used up", "workers", len(s.slots))
		return
	default:
		s.slots = append(s.slots, place{})
	}
	s.o.Log.Info("One worker more", "workers", len(s.slots))
}

// shrink closes the last slot that is open, except the first.
func (s *Supervisor) shrink() {
	for i := len(s.slots) - 1; i > 0; i-- {
		if !s.slots[i].Closing {
			s.slots[i].Closing = true
			s.o.Log.Info("One worker fewer", "workers", i)
			return
		}
	}
	s.o.Log.Warn("cannot remove the last worker")
}

// stop starts a shutdown, or shortens one that is in progress.
func (s *Supervisor) stop(patience time.Duration) {
	if !s.stopping {
		s.o.Log.Info("Shutting down: master", "patience", patience.String())
	}
	s.stopping = true
	s.stopBy = time.Now().Add(patience)
}

func (s *Supervisor) logBoard() {
	for _, w := range s.o.Board.Snapshot().Workers {
		s.o.Log.Info("scoreboard", "pid", w.Gauge(metrics.PID), "slot", w.Gauge(metrics.Slot),
			"generation", w.Gauge(metrics.Generation), "state", w.State().String(),
			"requests", w.Count(metrics.Requests), "in_flight", w.Gauge(metrics.InFlight),
			"connections", w.Gauge(metrics.Connections), "streams", w.Gauge(metrics.Streams), "rss_bytes", w.Gauge(metrics.RSSBytes), "anon_bytes", w.Gauge(metrics.AnonymousBytes))
	}
}
