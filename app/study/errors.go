package study

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies an Error for machines. The HTTP face maps each code to one
// status; nothing else about an error decides what a client sees.
type Code string

// The codes, with the HTTP status each becomes.
const (
	CodeMalformed           Code = "malformed"            // 400: does not parse
	CodeUnauthorized        Code = "unauthorized"         // 401: no or bad credentials
	CodeForbidden           Code = "forbidden"            // 403: not yours
	CodeNotFound            Code = "not_found"            // 404
	CodeMethod              Code = "method"               // 405, 501: the path or the service does not have it
	CodeCancelled           Code = "cancelled"            // 409: the run was cancelled on request
	CodeConflict            Code = "conflict"             // 409: another request is under way; Error.Run if it is a session's run
	CodeTooLarge            Code = "too_large"            // 413, 431
	CodeUnsupported         Code = "unsupported"          // 415, 417, 505: an encoding, an expectation, a version
	CodeInvalid             Code = "invalid"              // 422: parses, but is not valid
	CodeWithheld            Code = "withheld"             // 422: the answer failed the safety check
	CodeRateLimited         Code = "rate_limited"         // 429
	CodeBudget              Code = "budget"               // 429: the tokens of the day are used up
	CodeQuota               Code = "quota"                // 507: no more of the user's, or of anyone's, can be kept
	CodeInternal            Code = "internal"             // 500
	CodeTooLong             Code = "too_long"             // 422: more than the model's context takes
	CodeCredit              Code = "credit"               // 502: the account at the upstream has no credit left
	CodeUpstreamRefused     Code = "upstream_refused"     // 502: the upstream rejects our key, address or model
	CodeUpstreamFailed      Code = "upstream_failed"      // 502: the model answered wrongly
	CodeOverloaded          Code = "busy"                 // 503: a bound of ours is reached
	CodeUnavailable         Code = "unavailable"          // 503: the store, or we are draining
	CodeUpstreamUnavailable Code = "upstream_unavailable" // 503: the model refuses for now
	CodeTimeout             Code = "timeout"              // 504: the run timed out
	CodeUpstreamTimeout     Code = "upstream_timeout"     // 504: the model timed out

	// 503: the AI service asks us to wait. To clients it is CodeRateLimited; see Code.Public.
	CodeUpstreamLimited Code = "upstream_rate_limited"
)

// Public is the code that clients are given.
func (c Code) Public() Code {
	if c == CodeUpstreamLimited {
		return CodeRateLimited
	}
	return c
}

// Fault is one thing wrong with one field of a request.
type Fault struct {
	Field  string `json:"field"`  // JSON path, e.g. "options.count"
	Detail string `json:"detail"` // what is accepted; never the value itself
}

// Error is the one error type that crosses a package border: a code for machines,
// a message a student may read, and a cause for the log. Message and Faults never
// hold a secret, a prompt or an upstream's text.
type Error struct {
	Code       Code
	Message    string
	Faults     []Fault
	RetryAfter time.Duration // when to try again; 0: unknown
	Run        string        // CodeConflict: the id of the run under way; "" otherwise
	Cause      error
}

// Errorf makes an Error without a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes a CodeInvalid error out of faults; nil when there are none.
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

// Wrap gives cause a code and a message of ours. A nil cause stays nil, and an
// error that is already an *Error keeps its own code and message.
func Wrap(cause error, code Code, message string) error {
	if cause == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](cause); ok {
		return e
	}
	return &Error{Code: code, Message: message, Cause: cause}
}

// Error gives the message followed by the cause: text for logs, not for clients.
func (e *Error) Error() string {
	if e.Cause == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Message + ": " + e.Cause.Error()
}

// Unwrap gives the cause, for errors.Is and errors.As.
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

// AsError returns err as an *Error; any other error becomes CodeInternal with a
// message that tells a client nothing of the inside. A nil err stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeInternal, Message: "something went wrong on our side", Cause: err}
}
