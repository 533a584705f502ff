package httpapi

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/study"
)

// answered is the body of a run that was waited for.
type answered struct {
	Status          string           `json:"status"` // "success"
	Result          study.Result     `json:"result"`
	ExecutionTimeMS int64            `json:"execution_time_ms"`
	ModelUsed       string           `json:"model_used"`
	ProgressUpdates []study.Progress `json:"progress_updates"`
	Message         string           `json:"message"`
}

// started is the body of a run that goes on by itself.
type started struct {
	Status    string `json:"status"` // "processing"
	SessionID string `json:"session_id"`
	RunID     string `json:"run_id"`
	StreamURL string `json:"stream_url"`
	Message   string `json:"message"`
}

// process answers POST /api/ai/agent-test and /process: the run to its end.
func (s *Server) process(c *fiber.Ctx) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	outcome, progress, err := s.o.Runs.Do(s.lifetime, r)
	if err != nil {
		return err
	}
	if outcome.FromCache {
		c.Set("X-Cache", "HIT")
		c.Set(fiber.HeaderAge, strconv.FormatInt(int64(outcome.Age/time.Second), 10))
	}
	return c.JSON(answered{
		Status:          "success",
		Result:          outcome.Result,
		ExecutionTimeMS: outcome.Result.Metadata.ExecutionTimeMS,
		ModelUsed:       outcome.Result.Metadata.ModelUsed,
		ProgressUpdates: progress,
		Message:         outcome.Result.Message,
	})
}

// processStream answers POST /api/ai/process-stream: the run is begun.
func (s *Server) processStream(c *fiber.Ctx) error {
	r, err := s.request(c)
	if err != nil {
		return err
	}
	run, err := s.o.Runs.Start(r)
	if err != nil {
		return err
	}
	return c.JSON(started{
		Status:    "processing",
		SessionID: r.SessionID,
		RunID:     run,
		StreamURL: "/api/ai/stream/" + r.SessionID,
		Message:   "watch stream_url for progress and the answer",
	})
}

// request reads an agent request. Its strings are copies: Fiber reuses the body.
func (s *Server) request(c *fiber.Ctx) (study.Request, error) {
	r, err := study.ParseRequest(c.Request().Body())
	if err != nil {
		return r, err
	}
	if r.SessionID == "" {
		r.SessionID = newID()
	}
	r.NoCache = strings.Contains(strings.ToLower(c.Get(fiber.HeaderCacheControl)), "no-cache")
	return r, nil
}
