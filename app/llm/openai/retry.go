package openai

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	minBackoff    = 100 * time.Millisecond
	maxBackoff    = 400 * time.Millisecond
	maxRetryAfter = 24 * time.Hour  // longest wait that is believed
	maxWait       = 5 * time.Second // longest wait that we sleep through; a longer one is reported to the caller
	retryShare    = 0.1             // retries per call, in the long run
)

// backoff returns how long to wait before a retry: what the upstream asked for, plus a random
// time, so that calls that failed together are not retried together.
func backoff(retryAfter time.Duration) time.Duration {
	return retryAfter + minBackoff + rand.N(maxBackoff-minBackoff)
}

// leavesTime reports whether ctx leaves reserve for a retry after delay.
func leavesTime(ctx context.Context, delay, reserve time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) >= delay+reserve
}

// sleep waits for d; it returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryAfter returns how long an upstream asks us to wait: OpenAI's retry-after-ms, which is
// more exact, else Retry-After (RFC 9110, section 10.2.3) as seconds, with a fraction or
// without, or as a date. Anything else, and a time in the past, is 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if wait, ok := readWait(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return wait
	}
	value := h.Get("Retry-After")
	if wait, ok := readWait(value, time.Second); ok {
		return wait
	}
	when, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(when.Sub(now), 0), maxRetryAfter)
}

// readWait reads a decimal number of units; a negative one is 0.
func readWait(value string, unit time.Duration) (wait time.Duration, ok bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if math.IsNaN(n) || err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	// Clamped before multiplying, which could overflow.
	return time.Duration(min(max(n, 0), float64(maxRetryAfter/unit)) * float64(unit)), true
}

// retryBudget limits retries to a share of the calls, so that retries do not double the load
// on an upstream in trouble.
type retryBudget struct {
	burst float64

	mu   sync.Mutex
	left float64
}

func newRetryBudget(burst int) *retryBudget {
	return &retryBudget{burst: float64(burst), left: float64(burst)}
}

// earn adds the share of one call.
func (b *retryBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+retryShare, b.burst)
}

// spend takes one retry from the budget; it returns false if there is none.
func (b *retryBudget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
