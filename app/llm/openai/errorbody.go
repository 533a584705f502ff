package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"studysharper/app/study"
)

const (
	maxCodeBytes  = 64          // longest error code that is read; known ones are shorter
	maxErrorBytes = 16 << 10    // how much of an error's body is read
	errorGrace    = time.Second // how long to wait for an error's body
)

// errorResponse classifies a response other than 200. It reads the body only for the
// statuses that mean several things.
func errorResponse(resp *http.Response, idle *idleTimer) *failure {
	now := time.Now()
	wait := retryAfter(resp.Header, now)
	var d details
	s := resp.StatusCode
	refused := s == http.StatusBadRequest || s == http.StatusUnprocessableEntity
	var read []byte
	if refused || s == http.StatusForbidden || s == http.StatusTooManyRequests && wait == 0 {
		idle.startAlways(errorGrace)
		var body struct {
			Error rawValue `json:"error"`
		}
		read, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes)) // use what arrived in time
		_ = json.Unmarshal(read, &body)
		d = readDetails(body.Error, now)
	}
	fail := d.statusFailure(s, max(wait, d.reset))
	if refused {
		fail.body = read
	}
	return fail
}

// details are what an error object says beyond its code, in OpenRouter's format.
type details struct {
	flagged bool          // a moderator refused the prompt
	reset   time.Duration // until the rate limit ends; 0 = unknown
}

// readDetails reads an error object's metadata. What it cannot read is left zero.
func readDetails(object rawValue, now time.Time) details {
	var e struct {
		Metadata struct {
			Reasons rawValue `json:"reasons"`
			Headers struct {
				Reset rawValue `json:"X-RateLimit-Reset"`
			} `json:"headers"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(object, &e) // another shape has no details
	return details{flagged: strings.HasPrefix(string(e.Metadata.Reasons), "["), reset: readReset(e.Metadata.Headers.Reset, now)}
}

// readReset reads a time in Unix milliseconds, a number or a string, as the time left.
func readReset(at rawValue, now time.Time) time.Duration {
	if len(at) > maxCodeBytes {
		return 0
	}
	millis, err := strconv.ParseInt(strings.Trim(string(at), `"`), 10, 64)
	if err != nil || millis <= now.UnixMilli() {
		return 0
	}
	// Clamped before multiplying, which could overflow.
	return time.Duration(min(millis-now.UnixMilli(), maxRetryAfter.Milliseconds())) * time.Millisecond
}

// statusFailure maps a status as the function does, except for a flagged prompt.
func (d details) statusFailure(status int, wait time.Duration) *failure {
	if status == http.StatusForbidden && d.flagged {
		return &failure{recovery: giveUp, err: study.Errorf(study.CodeWithheld, "the model's moderation refused the request")}
	}
	return statusFailure(status, wait)
}

// errorStatus returns the HTTP status that an error object inside a 200 stands for, and
// whether there is an error. Its code may be a number (OpenRouter) or a word (OpenAI);
// without a known one it counts as 500.
func errorStatus(object rawValue) (int, bool) {
	if len(object) == 0 || string(object) == "null" {
		return 0, false
	}
	var e struct {
		Code rawValue `json:"code"`
		Type rawValue `json:"type"`
	}
	// An error may be a bare string: it has no fields, and still is an error.
	_ = json.Unmarshal(object, &e)
	for _, code := range []rawValue{e.Code, e.Type} {
		if len(code) > maxCodeBytes {
			continue
		}
		word := strings.Trim(string(code), `"`)
		if n, err := strconv.Atoi(word); err == nil && n >= 400 && n <= 599 {
			return n, true
		}
		if status, ok := errorWords[word]; ok {
			return status, true
		}
	}
	return http.StatusInternalServerError, true
}

// errorWords maps the codes and types of errors to statuses other than 500.
var errorWords = map[string]int{
	"invalid_api_key":       http.StatusUnauthorized,
	"authentication_error":  http.StatusUnauthorized,
	"permission_denied":     http.StatusForbidden,
	"permission_error":      http.StatusForbidden,
	"insufficient_quota":    http.StatusPaymentRequired,
	"model_not_found":       http.StatusNotFound,
	"not_found_error":       http.StatusNotFound,
	"invalid_request_error": http.StatusBadRequest,
	"rate_limit_exceeded":   http.StatusTooManyRequests,
	"rate_limit_error":      http.StatusTooManyRequests,
	"overloaded_error":      http.StatusServiceUnavailable,
}
