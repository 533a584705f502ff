package httpapi

import (
	"encoding/json"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// runStatus is the response body for a run.
type runStatus struct {
	RunID     string          `json:"run_id"`
	SessionID string          `json:"session_id"`
	Type      study.Type      `json:"type"`
	State     study.RunState  `json:"state"`
	Result    json.RawMessage `json:"result,omitempty"` // of a successful run: the fields of its complete event
	Error     json.RawMessage `json:"error,omitempty"`  // of a failed run: the fields of its error event
	StartedAt time.Time       `json:"started_at"`
	EndedAt   *time.Time      `json:"ended_at,omitempty"`
}

func newRunStatus(r study.Run) runStatus {
	v := runStatus{RunID: r.ID, SessionID: r.SessionID, Type: r.Type, State: r.State, StartedAt: r.StartedAt}
	switch {
	case r.State == study.RunSucceeded:
		v.Result = r.Outcome
	case r.Ended():
		v.Error = r.Outcome
	}
	if r.Ended() {
		v.EndedAt = &r.EndedAt
	}
	return v
}

// run answers GET /api/ai/runs/{run} with the run's state, and its result.
func (s *Server) run(c *fiber.Ctx) error {
	r, err := s.findRun(c)
	if err != nil {
		return err
	}
	return c.JSON(newRunStatus(r))
}

// cancelRun answers DELETE /api/ai/runs/{run}. It cancels the record first: a worker that the broadcast does not reach
// finds it there.
func (s *Server) cancelRun(c *fiber.Ctx) error {
	r, err := s.findRun(c)
	if err != nil {
		return err
	}
	if r.Ended() {
		return study.Errorf(study.CodeConflict, "the run has ended")
	}
	cancelled := r
	cancelled.State, cancelled.Outcome = study.RunCancelled, study.ErrorFields(study.ErrRunCancelled)
	if err := s.o.Store.EndRun(s.lifetime, cancelled, study.Session{}); err != nil {
		return err
	}
	if err := s.o.Fleet.CancelRun(r.ID); err != nil {
		s.o.Log.Warn("cancellation of a run not sent to the workers", "run", r.ID, "error", err)
	}
	if r, err = s.o.Store.RunByID(s.lifetime, r.ID); err != nil {
		return err
	}
	return c.Status(fiber.StatusAccepted).JSON(newRunStatus(r))
}

// findRun returns the run in a request's path; CodeNotFound if it is another user's.
func (s *Server) findRun(c *fiber.Ctx) (study.Run, error) {
	id, err := idParam(c, "run")
	if err != nil {
		return study.Run{}, err
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return study.Run{}, err
	}
	r, err := s.o.Store.RunByID(s.lifetime, id)
	if err == nil && user != "" && r.UserID != user {
		err = study.Errorf(study.CodeNotFound, "the run does not exist")
	}
	if err != nil {
		return study.Run{}, err
	}
	return s.o.Record.Settle(s.lifetime, r), nil
}
