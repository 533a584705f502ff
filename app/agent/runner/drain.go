package runner

import (
	"context"
	"fmt"
	"time"

	"studysharper/app/study"
)

// Drain admits no more runs and blocks until those in progress have ended. When ctx ends first, it cancels them, so
// that each sends a retryable error event, and waits for at most another 2 × JournalTimeout. If runs are still active
// then, it returns an error with their number. It may be called again.
func (n *Runner) Drain(ctx context.Context) error {
	idle := n.stopAdmission()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	n.cancelAll(errDraining())
	patience := time.NewTimer(2 * n.o.JournalTimeout)
	defer patience.Stop()
	select {
	case <-idle:
		return nil
	case <-patience.C:
		return fmt.Errorf("drain: %d runs did not end", n.active.Load())
	}
}

// stopAdmission stops the admission of runs and returns a channel that is closed when no run is left.
func (n *Runner) stopAdmission() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.draining = true
	if len(n.runs) == 0 {
		idle := make(chan struct{})
		close(idle)
		return idle
	}
	if n.idle == nil {
		n.idle = make(chan struct{})
	}
	return n.idle
}

func (n *Runner) cancelAll(cause error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for a := range n.runs {
		a.cancel(cause)
	}
}

func errDraining() *study.Error {
	return &study.Error{Code: study.CodeUnavailable, Message: "the service is restarting; try again", RetryAfter: retryDelay()}
}
