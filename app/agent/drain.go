package agent

import (
	"context"
	"fmt"
	"time"

	"studysharper/app/study"
)

// Drain lets nothing new in and blocks until the runs have ended. When ctx ends
// first they are cancelled, which each tells in a retryable error event; Drain then
// waits for them once more, for at most twice JournalTimeout, and returns an
// error naming how many still go on, if any do. It may be called again.
func (n *Runner) Drain(ctx context.Context) error {
	idle := n.close()
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

// close shuts the door and gives a channel that is closed when all have left.
func (n *Runner) close() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.draining = true
	if len(n.going) == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	if n.idle == nil {
		n.idle = make(chan struct{})
	}
	return n.idle
}

func (n *Runner) cancelAll(cause error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for g := range n.going {
		g.cancel(cause)
	}
}

func errDraining() *study.Error {
	return &study.Error{Code: study.CodeUnavailable, Message: "the service is restarting; try again", RetryAfter: retryDelay()}
}
