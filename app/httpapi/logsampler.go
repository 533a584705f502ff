package httpapi

import (
	"errors"
	"sync"
	"time"

	"studysharper/app/limit"
	"studysharper/app/study"
)

const (
	refusalsFor  = time.Second // the lines of so long are counted together
	refusalLines = 10          // requests refused in that time that have a line of their own
)

// logSampler keeps the log short while the service is full. A flood is thousands of lines that
// say the same, and writing and reading them takes the processor from the requests that
// were let in. Of the requests refused within refusalsFor the first are logged one by one, and
// one line counts the others.
type logSampler struct {
	tell func(untold int64) // logs how many had no line

	mu           sync.Mutex
	told, untold int64
}

// allow reports whether a refused request is to have a line of its own.
func (r *logSampler) allow() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == refusalLines {
		r.untold++
		return false
	}
	if r.told == 0 {
		time.AfterFunc(refusalsFor, r.end)
	}
	r.told++
	return true
}

// end reports the refusals that were not logged, and resets the counters.
func (r *logSampler) end() {
	r.mu.Lock()
	untold := r.untold
	r.told, r.untold = 0, 0
	r.mu.Unlock()
	if untold > 0 {
		r.tell(untold)
	}
}

// refused reports whether a failure is the want of room, for everyone or for one client: as it is meant to be, and no work.
func refused(failure error) bool {
	e, ok := errors.AsType[*study.Error](failure)
	return ok && (e.Code == study.CodeOverloaded || errors.Is(failure, limit.ErrClientFull))
}
