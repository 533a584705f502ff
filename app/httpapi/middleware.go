package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/google/uuid"

	"studysharper/app/metrics"
	"studysharper/app/study"
)

const maxRequestID = 64 // characters of a client's X-Request-ID that are kept

// middleware wraps every request: it sets the request's id, counts and logs the request, and keeps a panic from ending
// the worker.
func (s *Server) middleware(c *fiber.Ctx) error {
	began := time.Now()
	requestID(c)
	span := beginTrace(c)
	err := s.recoverHandler(c)
	if err == nil {
		err = holdAnswer(c)
	}
	failure := err
	if err != nil {
		s.paceRefusal(c, err)
		err = s.fail(c, err)
	}
	s.secureHeaders(c)
	s.finishRequest(c, time.Since(began), failure)
	s.endTrace(c, span, failure)
	return err
}

// recoverHandler calls the handlers and turns a panic into an error.
func (s *Server) recoverHandler(c *fiber.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.o.Log.Error("panic in a handler", "panic", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			err = study.Errorf(study.CodeInternal, "something went wrong on our side")
		}
	}()
	return c.Next()
}

// finishRequest counts and logs an answer.
func (s *Server) finishRequest(c *fiber.Ctx, took time.Duration, failure error) {
	s.count(c, took, failure)
	level := levelOf(c, failure)
	if s.o.Log.Enabled(s.lifetime, level) && s.hasLine(c, failure) {
		s.logRequest(c, level, took, failure)
	}
}

// hasLine reports whether the answer is logged. Refusals that clients can cause by the thousand are only sampled.
func (s *Server) hasLine(c *fiber.Ctx, failure error) bool {
	if _, head := c.Locals(headKey{}).(headRefusal); head {
		return s.rejects.allow()
	}
	return !refused(failure) || s.refusals.allow()
}

// count counts the answer on the scoreboard.
func (s *Server) count(c *fiber.Ctx, took time.Duration, failure error) {
	if probe(c.Route().Path) {
		s.o.Own.Add(metrics.Probes, 1)
		return
	}
	if _, head := c.Locals(headKey{}).(headRefusal); head {
		s.o.Own.Add(metrics.Rejected, 1) // nothing else: a scanner's 501s are not failures of the service
		s.o.Fleet.Refresh()
		return
	}
	s.o.Own.Observe(classOf(c.Path()), took)
	s.o.Own.Add(metrics.Responses(c.Response().StatusCode()), 1)
	if refused(failure) {
		s.o.Own.Add(metrics.Refused, 1)
		s.o.Fleet.Refresh()
		return
	}
	s.countRequest()
}

// levelOf returns the level of the answer's log line.
func levelOf(c *fiber.Ctx, failure error) slog.Level {
	switch {
	case errors.Is(failure, errLeft), refused(failure): // neither is a failure of the service
		return slog.LevelInfo
	case c.Response().StatusCode() >= 500:
		return slog.LevelError
	case probe(c.Route().Path):
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}

func (s *Server) logRequest(c *fiber.Ctx, level slog.Level, took time.Duration, failure error) {
	attrs := []slog.Attr{
		slog.String("id", string(c.Response().Header.Peek(fiber.HeaderXRequestID))),
		slog.String("method", methodOf(c)), slog.String("route", s.routeOf(c)),
		slog.Int("status", c.Response().StatusCode()), slog.Int64("duration_us", took.Microseconds()),
	}
	if traced := traceOf(c); traced.Valid() {
		attrs = append(attrs, slog.String("trace_id", traced.TraceID()))
	}
	if s.o.ClientMark != nil {
		attrs = append(attrs, slog.String("client", s.o.ClientMark(s.client(c))))
	}
	if cached, applies := c.Locals(cacheKey{}).(string); applies {
		attrs = append(attrs, slog.String("cache", cached))
	}
	if _, routing := errors.AsType[*fiber.Error](failure); failure != nil && !routing {
		attrs = append(attrs, slog.String("error", failure.Error()))
	}
	s.o.Log.LogAttrs(s.lifetime, level, "request", attrs...)
}

// methodOf returns the method as shown in the log.
func methodOf(c *fiber.Ctx) string {
	if head, ok := c.Locals(headKey{}).(headRefusal); ok {
		return head.method
	}
	return utils.CopyString(c.Method())
}

// countRequest counts an answer towards the worker's quota. Requests refused at capacity do not count: they leave
// nothing in the worker that a recycle would free, and a flood of them would recycle every worker at the worst time.
func (s *Server) countRequest() {
	n, quota := s.o.Own.Add(metrics.Requests, 1), s.o.Own.Gauge(metrics.Quota)
	s.o.Fleet.Refresh()
	if quota > 0 && n == uint64(quota) {
		s.o.Fleet.QuotaReached()
	}
}

func probe(route string) bool {
	return route == "/health" || route == "/livez" || route == "/readyz" || route == "/metrics"
}

// requestID sets X-Request-ID on the response: the client's if it is short and plain, otherwise a new one.
func requestID(c *fiber.Ctx) {
	if len(c.Response().Header.Peek(fiber.HeaderXRequestID)) > 0 {
		return
	}
	given := c.Request().Header.Peek(fiber.HeaderXRequestID)
	if isRequestID(given) {
		c.Response().Header.SetBytesV(fiber.HeaderXRequestID, given)
		return
	}
	c.Set(fiber.HeaderXRequestID, newID())
}

func isRequestID(id []byte) bool {
	for _, b := range id {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && b != '-' && b != '_' && b != '.' {
			return false
		}
	}
	return len(id) > 0 && len(id) <= maxRequestID
}

// newID returns a UUID of version 7 (RFC 9562): later ids sort after earlier ones.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
