package llm

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	minBackoff    = 100 * time.Millisecond
	maxBackoff    = 400 * time.Millisecond
	maxRetryAfter = time.Hour // what an upstream asks beyond that is cut to it
	retryShare    = 0.1       // retries for each call, in the long run
)

// backoff is how long to wait before the second try: what the upstream asked for,
// and a random time on top, so that calls that failed together do not return together.
func backoff(retryAfter time.Duration) time.Duration {
	return retryAfter + minBackoff + rand.N(maxBackoff-minBackoff)
}

// fits reports whether a try after delay still has reserve left of ctx's time.
func fits(ctx context.Context, delay, reserve time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) >= delay+reserve
}

// sleep waits and reports true, or false once ctx has ended.
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

// retryAfter reads the header of that name (RFC 9110, 10.2.3): whole seconds or a
// date. Anything else, and a time that has passed, is 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		// Compared before multiplying, which would overflow.
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	when, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(when.Sub(now), 0), maxRetryAfter)
}

// retryBudget holds retries to a share of the calls, so that an upstream in
// trouble is not asked twice as often as a healthy one.
type retryBudget struct {
	burst float64

	mu   sync.Mutex
	left float64
}

func newRetryBudget(burst int) *retryBudget {
	return &retryBudget{burst: float64(burst), left: float64(burst)}
}

// earn counts a call.
func (b *retryBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+retryShare, b.burst)
}

// spend takes one retry, and reports whether there was one.
func (b *retryBudget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
