package openai

import (
	"time"
)

// idleTimer ends a streamed call whose upstream is silent. It is stopped while the caller's onText runs.
type idleTimer struct {
	end      func()      // called on its own goroutine
	timer    *time.Timer // nil until the first start
	streamed bool        // false for plain calls, which are silent until they end
}

// start restarts the timer, for streamed calls.
func (t *idleTimer) start(d time.Duration) {
	if t.streamed {
		t.startAlways(d)
	}
}

// startAlways restarts the timer for plain calls too.
func (t *idleTimer) startAlways(d time.Duration) {
	if t.timer == nil {
		t.timer = time.AfterFunc(d, t.end)
		return
	}
	t.timer.Reset(d)
}

func (t *idleTimer) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}
