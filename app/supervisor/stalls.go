package supervisor

import (
	"time"
)

// longBreak is a pause of the supervisor's loop that is too long for ordinary scheduling.
const longBreak = 2 * lookEvery

// stallsEvery limits how often stalls are logged: on a busy machine they come in series.
const stallsEvery = time.Minute

// stalls are the stalls that have not been logged yet.
type stalls struct {
	count   int
	longest time.Duration
	logged  time.Time // when stalls were last logged
}

// onSuspended detects that the supervisor did not run for a while, because it was stopped or got no processor time. A
// draining worker's deadline is extended by the pause.
func (s *Supervisor) onSuspended(now time.Time) {
	if pause := now.Sub(s.looked); !s.looked.IsZero() && pause > longBreak {
		s.awake = now
		for _, w := range s.workers {
			if !w.DrainBy.IsZero() {
				w.DrainBy = w.DrainBy.Add(pause)
			}
		}
		s.stalls.count++
		s.stalls.longest = max(s.stalls.longest, pause)
	}
	s.looked = now
	s.logStalls(now)
}

// logStalls logs the first stall at once, then the number of further ones once a minute.
func (s *Supervisor) logStalls(now time.Time) {
	if s.stalls.count == 0 || (!s.stalls.logged.IsZero() && now.Sub(s.stalls.logged) < stallsEvery) {
		return
	}
	s.o.Log.Warn("supervisor was stalled; worker timeouts not applied", "times", s.stalls.count, "longest", s.stalls.longest.Round(time.Millisecond).String())
	s.stalls = stalls{logged: now}
}
