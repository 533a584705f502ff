package openai

import (
	"time"
)

// idleTimer ends a streamed call whose upstream is silent. It is stopped while the caller's onText runs.
type idleTimer struct {
	timer    *time.Timer
	streamed bool // false for plain calls, which are silent until they end
}

// newIdleTimer returns a stopped timer; end is called on its own goroutine.
func newIdleTimer(end func(), streamed bool) *idleTimer {
	t := &idleTimer{timer: time.AfterFunc(time.Hour, end), streamed: streamed}
	t.stop()
	return t
}

// start restarts the timer, for streamed calls.
func (t *idleTimer) start(d time.Duration) {
	if t.streamed {
		t.startAlways(d)
	}
}

// startAlways restarts the timer for plain calls too.
func (t *idleTimer) startAlways(d time.Duration) { t.timer.Reset(d) }

func (t *idleTimer) stop() { t.timer.Stop() }
