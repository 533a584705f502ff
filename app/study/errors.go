package study

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies an Error for machines. Package httpapi maps each code to one HTTP status; nothing else about an error
// determines what a client sees.
type Code string

// The codes, with their HTTP statuses.
const (
	CodeMalformed           Code = "malformed"            // 400: cannot be parsed
	CodeUnauthorized        Code = "unauthorized"         // 401: no or bad credentials
	CodeForbidden           Code = "forbidden"            // 403: belongs to another user
	CodeNotFound            Code = "not_found"            // 404
	CodeMethod              Code = "method"               // 405, 501: not supported by the path or by the service
	CodeCancelled           Code = "cancelled"            // 409: the run was cancelled on request
	CodeConflict            Code = "conflict"             // 409: another request is in progress; Error.Run if it is a session's run
	CodeTooLarge            Code = "too_large"            // 413, 431
	CodeUnsupported         Code = "unsupported"          // 415, 417, 505: an encoding, an expectation, a version
	CodeInvalid             Code = "invalid"              // 422: can be parsed, but is not valid
	CodeWithheld            Code = "withheld"             // 422: the answer failed the safety check
	CodeRateLimited         Code = "rate_limited"         // 429
	CodeBudget              Code = "budget"               // 429: the daily token budget is used up
	CodeQuota               Code = "quota"                // 507: the user's storage, or the total storage, is full
	CodeInternal            Code = "internal"             // 500
	CodeTooLong             Code = "too_long"             // 422: exceeds the model's context
	CodeCredit              Code = "credit"               // 502: the account at the upstream has no credit left
	CodeUpstreamRefused     Code = "upstream_refused"     // 502: the upstream rejects the API key, address or model
	CodeUpstreamFailed      Code = "upstream_failed"      // 502: the model's answer is unusable
	CodeOverloaded          Code = "busy"                 // 503: a limit of this server is reached
	CodeUnavailable         Code = "unavailable"          // 503: the store is unavailable, or the server is draining
	CodeUpstreamUnavailable Code = "upstream_unavailable" // 503: the upstream is unavailable for now
	CodeTimeout             Code = "timeout"              // 504: the run timed out
	CodeUpstreamTimeout     Code = "upstream_timeout"     // 504: the model timed out

	// 503: the upstream's rate limit. Clients get CodeRateLimited; see Code.Public.
	CodeUpstreamLimited Code = "upstream_rate_limited"
)

// Public returns the code that clients get.
func (c Code) Public() Code {
	if c == CodeUpstreamLimited {
		return CodeRateLimited
	}
	return c
}

// Fault is one fault of one field of a request.
type Fault struct {
	Field  string `json:"field"`  // JSON path, e.g. "options.count"
	Detail string `json:"detail"` // what is accepted; never the value itself
}

// Error is the only error type that crosses a package boundary: a code for machines, a message that a student may read,
// and a cause for the log. Message and Faults never contain a secret, a prompt or an upstream's text.
type Error struct {
	Code       Code
	Message    string
	Faults     []Fault
	RetryAfter time.Duration // when to try again; 0 = unknown
	Run        string        // CodeConflict: the id of the run in progress; otherwise ""
	Cause      error
}

// Errorf returns an Error without a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns a CodeInvalid error with the faults; nil if there are none.
func Invalid(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	parts := make([]string, len(faults))
	for i, f := range faults {
		parts[i] = f.Field + ": " + f.Detail
	}
	return &Error{Code: CodeInvalid, Message: strings.Join(parts, "; "), Faults: faults}
}

// Wrap wraps cause in an Error with a code and a message. It returns nil for a nil cause, and a cause that is already
// an *Error unchanged.
func Wrap(cause error, code Code, message string) error {
	if cause == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](cause); ok {
		return e
	}
	return &Error{Code: code, Message: message, Cause: cause}
}

// Error returns the message followed by the cause: text for logs, not for clients.
func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Message + ": " + e.Cause.Error()
}

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Retryable reports whether the same request may succeed later.
func (e *Error) Retryable() bool {
	switch e.Code {
	case CodeRateLimited, CodeBudget, CodeInternal, CodeUpstreamFailed, CodeOverloaded, CodeUnavailable,
		CodeUpstreamUnavailable, CodeUpstreamLimited, CodeTimeout, CodeUpstreamTimeout:
		return true
	default:
		return false
	}
}

// IsCode reports whether err is an *Error with the code.
func IsCode(err error, code Code) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// AsError returns err as an *Error; any other error becomes CodeInternal with a message that reveals nothing to a
// client. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeInternal, Message: "something went wrong on our side", Cause: err}
}
