package study

import (
	"encoding/json"
	"time"
)

// RunState is the state of a run.
type RunState string

// The states of a run. All but RunRunning are final.
const (
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// ErrRunCancelled is the error of a run that was cancelled on request.
var ErrRunCancelled = Errorf(CodeCancelled, "the run was cancelled")

// Run is the record of one request on its way through the service.
type Run struct {
	ID        string // UUID v7
	SessionID string // UUID
	UserID    string
	Type      Type
	State     RunState
	Worker    string          // the process that works on the run
	Request   json.RawMessage // nil unless the run is in progress
	Outcome   json.RawMessage // the fields of the terminal event; nil while the run is in progress, and for a run that was not streamed
	StartedAt time.Time
	EndedAt   time.Time // zero while the run is in progress
	AliveAt   time.Time // when Worker last recorded that it works on the run
}

// Ended reports whether the run has ended.
func (r Run) Ended() bool { return r.State != RunRunning }

// Terminal returns the event that ended the run.
func (r Run) Terminal() Event {
	if r.State == RunSucceeded {
		return Event{Kind: KindComplete, Fields: r.Outcome}
	}
	return Event{Kind: KindError, Fields: r.Outcome}
}
