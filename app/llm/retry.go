package llm

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
	maxRetryAfter = 24 * time.Hour  // what an upstream asks beyond that is cut to it
	maxWait       = 5 * time.Second // a longer wait that an upstream asks for is the caller's to wait
	retryShare    = 0.1             // retries for each call, in the long run
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

// retryAfter reads how long an upstream asks us to wait: Retry-After (RFC 9110, 10.2.3), seconds
// or a date, and OpenAI's retry-after-ms, which is more exact and therefore comes first.
// Fractions are read too. Anything else, and a time that has passed, is 0.
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

// readWait reads a decimal number of units, 0 where it is negative.
func readWait(value string, unit time.Duration) (wait time.Duration, ok bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if math.IsNaN(n) || err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	// Compared before multiplying, which would overflow.
	return time.Duration(min(max(n, 0), float64(maxRetryAfter/unit)) * float64(unit)), true
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
