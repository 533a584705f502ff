package httpapi

import (
	"errors"
	"sync"
	"time"

	"studysharper/app/limit"
	"studysharper/app/study"
)

const (
	refusalsFor  = time.Second // refusals within this time are counted together
	refusalLines = 10          // refusals within that time that are logged one by one
)

// logSampler keeps the log short while the service is at capacity: writing thousands of equal lines would cost the
// admitted requests processor time. Of the requests refused within refusalsFor, the first are logged one by one, and a
// single line counts the rest.
type logSampler struct {
	report func(unlogged int64) // logs how many were not logged one by one

	mu               sync.Mutex
	logged, unlogged int64
}

// allow reports whether a refused request is logged on its own line.
func (r *logSampler) allow() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logged == refusalLines {
		r.unlogged++
		return false
	}
	if r.logged == 0 {
		time.AfterFunc(refusalsFor, r.end)
	}
	r.logged++
	return true
}

// end reports the refusals that were not logged, and resets the counters.
func (r *logSampler) end() {
	r.mu.Lock()
	unlogged := r.unlogged
	r.logged, r.unlogged = 0, 0
	r.mu.Unlock()
	if unlogged > 0 {
		r.report(unlogged)
	}
}

// refused reports whether a failure is a refusal at capacity, of the service or of one client: expected and cheap.
func refused(failure error) bool {
	e, ok := errors.AsType[*study.Error](failure)
	return ok && (e.Code == study.CodeOverloaded || errors.Is(failure, limit.ErrClientFull))
}
