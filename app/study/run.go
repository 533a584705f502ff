package study

import (
	"encoding/json"
	"time"
)

// RunState is how far a run is.
type RunState string

// The states of a run. All but RunRunning are final.
const (
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// ErrRunCancelled ends a run that was cancelled on request.
var ErrRunCancelled = Errorf(CodeCancelled, "the run was cancelled")

// Run is the record of one request on its way through the service.
type Run struct {
	ID        string // UUID v7
	SessionID string // UUID
	UserID    string
	Type      Type
	State     RunState
	Worker    string          // the process that works on it
	Request   json.RawMessage // nil unless it is running
	Outcome   json.RawMessage // the fields of its terminal event; nil while it is running, and of a run that was not streamed
	StartedAt time.Time
	EndedAt   time.Time // zero while it is running
	AliveAt   time.Time // when Worker last said that it works on it
}

// Ended reports whether the run is over.
func (r Run) Ended() bool { return r.State != RunRunning }

// Terminal is the event that ended the run.
func (r Run) Terminal() Event {
	if r.State == RunSucceeded {
		return Event{Kind: KindComplete, Fields: r.Outcome}
	}
	return Event{Kind: KindError, Fields: r.Outcome}
}
