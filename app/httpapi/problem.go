package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/limit"
	"studysharper/app/study"
)

// problem is an error as application/problem+json (RFC 9457). It has `error` in addition to `title`, for clients of the
// original API.
type problem struct {
	Type      string        `json:"type"`
	Title     string        `json:"title"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail,omitempty"`
	Error     string        `json:"error"`
	Code      study.Code    `json:"code"`
	Faults    []study.Fault `json:"faults,omitempty"`
	RunID     string        `json:"run_id,omitempty"` // 409: the session's active run
	RequestID string        `json:"request_id,omitempty"`
}

// statuses maps an error's code to the answer's status.
var statuses = map[study.Code]int{
	study.CodeMalformed:           http.StatusBadRequest,
	study.CodeUnauthorized:        http.StatusUnauthorized,
	study.CodeForbidden:           http.StatusForbidden,
	study.CodeNotFound:            http.StatusNotFound,
	study.CodeMethod:              http.StatusMethodNotAllowed,
	study.CodeConflict:            http.StatusConflict,
	study.CodeCancelled:           http.StatusConflict,
	study.CodeTooLarge:            http.StatusRequestEntityTooLarge,
	study.CodeUnsupported:         http.StatusUnsupportedMediaType,
	study.CodeInvalid:             http.StatusUnprocessableEntity,
	study.CodeWithheld:            http.StatusUnprocessableEntity,
	study.CodeRateLimited:         http.StatusTooManyRequests,
	study.CodeBudget:              http.StatusTooManyRequests,
	study.CodeQuota:               http.StatusInsufficientStorage,
	study.CodeInternal:            http.StatusInternalServerError,
	study.CodeTooLong:             http.StatusUnprocessableEntity,
	study.CodeCredit:              http.StatusBadGateway,
	study.CodeUpstreamRefused:     http.StatusBadGateway,
	study.CodeUpstreamFailed:      http.StatusBadGateway,
	study.CodeOverloaded:          http.StatusServiceUnavailable,
	study.CodeUnavailable:         http.StatusServiceUnavailable,
	study.CodeUpstreamUnavailable: http.StatusServiceUnavailable,
	study.CodeUpstreamLimited:     http.StatusServiceUnavailable,
	study.CodeTimeout:             http.StatusGatewayTimeout,
	study.CodeUpstreamTimeout:     http.StatusGatewayTimeout,
}

// fail answers with err as a problem. It is Fiber's error handler.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	requestID(c)
	p, retry := problemOf(err)
	if over, ok := errors.AsType[*limit.Exceeded](err); ok {
		setRateLimitHeaders(c, over.Verdict)
	}
	p.RequestID = string(c.Response().Header.Peek(fiber.HeaderXRequestID))
	if retry > 0 || p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, retryAfter(retry))
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	c.Status(p.Status).Set(fiber.HeaderContentType, "application/problem+json")
	return c.Send(body)
}

func problemOf(err error) (problem, time.Duration) {
	if e, ok := errors.AsType[*fiber.Error](err); ok {
		return edgeProblem(e.Code), 0
	}
	e := study.AsError(err)
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	title := http.StatusText(status)
	if errors.Is(err, errNoAdmin) {
		title = "Unauthorized" // as in the original API
	}
	return problem{Type: "about:blank", Title: title, Status: status, Detail: e.Message,
		Error: title, Code: e.Code.Public(), Faults: e.Faults, RunID: e.Run}, e.RetryAfter
}

// edgeCodes are the codes of refusals by the server itself, by status; any other status is CodeMalformed.
var edgeCodes = map[int]study.Code{
	http.StatusNotFound:                    study.CodeNotFound,
	http.StatusMethodNotAllowed:            study.CodeMethod,
	http.StatusRequestTimeout:              study.CodeTimeout,
	http.StatusRequestEntityTooLarge:       study.CodeTooLarge,
	http.StatusUnsupportedMediaType:        study.CodeUnsupported,
	http.StatusExpectationFailed:           study.CodeUnsupported,
	http.StatusRequestHeaderFieldsTooLarge: study.CodeTooLarge,
	http.StatusInternalServerError:         study.CodeInternal,
	http.StatusNotImplemented:              study.CodeMethod,
	http.StatusServiceUnavailable:          study.CodeOverloaded,
	http.StatusHTTPVersionNotSupported:     study.CodeUnsupported,
}

// edgeProblem returns the problem for a refusal by the server itself. The text of its errors quotes the request and is
// not sent.
func edgeProblem(status int) problem {
	if status < http.StatusBadRequest || http.StatusText(status) == "" {
		status = http.StatusInternalServerError
	}
	code := cmp.Or(edgeCodes[status], study.CodeMalformed)
	title := http.StatusText(status)
	return problem{Type: "about:blank", Title: title, Status: status, Error: title, Code: code}
}

// retryAfter returns d in whole seconds, rounded up. If d is 0, it returns 1 to 5 s at random, so that clients do not
// all come back at once.
func retryAfter(d time.Duration) string {
	if d <= 0 {
		d = time.Second + rand.N(4*time.Second) //nolint:gosec // jitter, not a secret
	}
	return strconv.FormatInt(wholeSeconds(d), 10)
}

// wholeSeconds returns d in seconds, rounded up.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
