package httpapi

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/study"
)

// answered is the response body with a run's result.
type answered struct {
	Status          string           `json:"status"` // "success"
	Result          study.Result     `json:"result"`
	ExecutionTimeMS int64            `json:"execution_time_ms"`
	ModelUsed       string           `json:"model_used"`
	ProgressUpdates []study.Progress `json:"progress_updates"`
	Message         string           `json:"message"`
}

// errLeft is the cause that cancels a run whose client has disconnected.
var errLeft = study.Errorf(study.CodeUnavailable, "the client has left")

// cacheKey is where a handler stores, for the log, whether the answer came from the cache.
type cacheKey struct{}

const (
	cacheHit  = "HIT"
	cacheMiss = "MISS"
)

// started is the response body for a run that continues in the background.
type started struct {
	Status    string `json:"status"` // "processing"
	SessionID string `json:"session_id"`
	RunID     string `json:"run_id"`
	StreamURL string `json:"stream_url"`
	Message   string `json:"message"`
}

// process answers POST /api/ai/agent-test and /process with the run's result. It cancels the run if the client
// disconnects.
func (s *Server) process(c *fiber.Ctx) error {
	place, err := s.holdRun(c)
	if err != nil {
		return err
	}
	defer s.o.Admission.Runs.Release(place)
	r, err := s.request(c)
	if err != nil {
		return err
	}
	ctx, done := httpserver.WithDisconnect(s.lifetime, c.Context(), errLeft)
	defer done()
	outcome, progress, err := s.o.Runs.Do(ctx, r)
	if err != nil {
		return err
	}
	c.Locals(cacheKey{}, cacheMiss)
	if outcome.FromCache {
		c.Locals(cacheKey{}, cacheHit)
		c.Set("X-Cache", cacheHit)
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

// processStream answers POST /api/ai/process-stream and starts a run. An invalid request does not count against the
// rate limit. One that is refused at capacity counts, and its body is not read.
func (s *Server) processStream(c *fiber.Ctx) error {
	place, err := s.holdRun(c)
	if err != nil {
		return cmp.Or(s.allow(c), err)
	}
	r, run, err := s.startRun(c, func() { s.o.Admission.Runs.Release(place) })
	if err != nil {
		s.o.Admission.Runs.Release(place)
		return err
	}
	return c.JSON(started{
		Status:    "processing",
		SessionID: r.SessionID,
		RunID:     run,
		StreamURL: s.streamURL(c, r.SessionID),
		Message:   "watch stream_url for progress and the answer",
	})
}

// startRun starts the run; ended is called at its end, unless it is refused.
func (s *Server) startRun(c *fiber.Ctx, ended func()) (r study.Request, run string, err error) {
	if r, err = s.request(c); err != nil {
		return r, "", err
	}
	if err = s.allow(c); err != nil {
		return r, "", err
	}
	if err = s.o.Admission.Calls.Check(s.lifetime, r.UserID, r.Clients); err != nil && !s.o.Runs.Cached(s.lifetime, r) {
		return r, "", err
	}
	run, err = s.o.Runs.Start(r, ended)
	return r, run, err
}

// request parses an agent request. Its strings are copies, so that the body is free during the run.
func (s *Server) request(c *fiber.Ctx) (study.Request, error) {
	r, err := study.ParseRequestOf(authenticated(c), c.Request().Body())
	httpserver.ReleaseBody(c.Context())
	if err != nil {
		return r, err
	}
	if r = r.InSession(newID); !r.NewSession {
		if err := s.checkOwner(c, r.UserID, r.SessionID); err != nil {
			return r, err
		}
	}
	r.Clients, r.Trace = s.payers(c), traceOf(c).String()
	r.NoCache = strings.Contains(strings.ToLower(c.Get(fiber.HeaderCacheControl)), "no-cache")
	return r, nil
}
