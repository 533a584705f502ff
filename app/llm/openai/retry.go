package openai

import (
	"cmp"
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
	maxRetryAfter = 24 * time.Hour  // longer requested delays are shortened to this
	maxWait       = 5 * time.Second // longest delay that Generate waits for; a longer one is reported to the caller
	retryShare    = 0.1             // retries per call, on average
)

// backoff returns the delay before a retry: the delay that the upstream requested plus a random time, so that calls
// that failed together are not retried together.
func backoff(retryAfter time.Duration) time.Duration {
	return retryAfter + minBackoff + rand.N(maxBackoff-minBackoff)
}

// leavesTime reports whether ctx leaves time for a retry: reserve after delay.
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

// headerWait returns the delay that an upstream's headers request: OpenAI's retry-after-ms, which is more exact; else
// Retry-After (RFC 9110, section 10.2.3) as seconds, possibly with a fraction, or as a date; else the time until an
// exhausted limit is reset. It returns 0 for anything else and for a time in the past.
func headerWait(h http.Header, now time.Time) time.Duration {
	if wait, ok := readWait(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return wait
	}
	value := h.Get("Retry-After")
	if wait, ok := readWait(value, time.Second); ok {
		return wait
	}
	if when, err := http.ParseTime(value); err == nil {
		return min(max(when.Sub(now), 0), maxRetryAfter)
	}
	return resetWait(h, now)
}

// limitHeaders are pairs of headers: the rest of a limit, and the time when the limit is reset.
var limitHeaders = [][2]string{
	{"X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"}, // OpenAI, Groq
	{"X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"},
	{"X-Ratelimit-Remaining", "X-Ratelimit-Reset"}, // OpenRouter, Together
	{"Ratelimit-Remaining", "Ratelimit-Reset"},
	{"Anthropic-Ratelimit-Requests-Remaining", "Anthropic-Ratelimit-Requests-Reset"},
	{"Anthropic-Ratelimit-Tokens-Remaining", "Anthropic-Ratelimit-Tokens-Reset"},
}

// resetWait returns the time until all exhausted limits are reset or, if none is marked as exhausted, until the first
// limit is reset.
func resetWait(h http.Header, now time.Time) time.Duration {
	var spent, first time.Duration
	for _, names := range limitHeaders {
		wait := readReset(h.Get(names[1]), now)
		if wait == 0 {
			continue
		}
		if left := h.Get(names[0]); left == "0" {
			spent = max(spent, wait)
		}
		if first == 0 || wait < first {
			first = wait
		}
	}
	return cmp.Or(spent, first)
}

// readReset parses the time when a limit is reset and returns the time until then. It accepts a duration ("6m0s"),
// seconds, a Unix time in seconds or milliseconds, or a date (RFC 3339).
func readReset(value string, now time.Time) time.Duration {
	if len(value) > maxCodeBytes {
		return 0
	}
	if wait, err := time.ParseDuration(value); err == nil {
		return min(max(wait, 0), maxRetryAfter)
	}
	if when, err := time.Parse(time.RFC3339, value); err == nil {
		return min(max(when.Sub(now), 0), maxRetryAfter)
	}
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || math.IsNaN(n):
		return 0
	case n > 1e11: // milliseconds: in seconds it would be the year 5138
		n = (n - float64(now.UnixMilli())) / 1000
	case n > 1e9:
		n -= float64(now.Unix())
	}
	// Clamp before the multiplication, which could overflow.
	return time.Duration(min(max(n, 0), maxRetryAfter.Seconds()) * float64(time.Second)).Round(time.Microsecond)
}

// readWait parses a decimal number of units; a negative number becomes 0.
func readWait(value string, unit time.Duration) (wait time.Duration, ok bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if math.IsNaN(n) || err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	// Clamp before the multiplication, which could overflow.
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

// earn adds the share of one call to the budget.
func (b *retryBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+retryShare, b.burst)
}

// spend takes one retry from the budget; it returns false if the budget is used up.
func (b *retryBudget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
