package openai

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"studysharper/app/study"
)

// recovery is the action after a failure.
type recovery int

const (
	giveUp    recovery = iota // no other model would succeed, or text has been shown
	nextModel                 // this model will fail again, another may not
	tryAgain                  // the same call may succeed soon
)

// failure is an error, the action to take, and the health of the upstream that it shows.
type failure struct {
	err      *study.Error
	recovery recovery
	health   health
	restFor  time.Duration // pause that the upstream requests
	wait     time.Duration // delay before a retry that the upstream requests; 0 = unknown
	report   *report       // error report of the upstream; nil = none
	starved  bool          // reasoning used up all tokens: a larger limit may help
	blocked  bool          // the breaker refused: no call was made
}

// errorAfter returns the error to report after other models have also failed; its cause lists all errors. If some of
// them give a retry time, the one with the earliest is reported.
func (f *failure) errorAfter(before []*study.Error) error {
	if len(before) == 0 {
		return f.err
	}
	all := slices.Concat(before, []*study.Error{f.err})
	whole := *f.err
	if soonest := soonestRetry(all); soonest != nil && f.recovery != giveUp {
		whole = *soonest
	}
	whole.Cause = all[0]
	for _, later := range all[1:] {
		whole.Cause = fmt.Errorf("%w; then %w", whole.Cause, later)
	}
	return &whole
}

// soonestRetry returns the error with the shortest RetryAfter; nil if there is none.
func soonestRetry(all []*study.Error) *study.Error {
	var first *study.Error
	for _, e := range all {
		if e.RetryAfter > 0 && (first == nil || e.RetryAfter < first.RetryAfter) {
			first = e
		}
	}
	return first
}

// Causes with constant texts, which are safe to log.
var (
	errSilence  = errors.New("no answer within the time allowed")
	errRawBytes = errors.New("response longer than the limit")
	errExchange = errors.New("the HTTP exchange failed")
	errOpen     = errors.New("the model's circuit breaker is open")

	errSlowNetwork = errors.New("the network took too long")
)

func newFailure(n recovery, cause error, message string) *failure {
	return &failure{recovery: n, err: &study.Error{Code: study.CodeUpstreamFailed, Message: message, Cause: cause}}
}

// markUnhealthy counts the failure against the upstream's health.
func (f *failure) markUnhealthy() *failure {
	f.health = unhealthy
	return f
}

// blockedFailure reports that the breaker allowed no call. Either the model has been failing, or the upstream requested
// a pause; the rest of such a pause may be short enough to wait for.
func blockedFailure(reason blocked) *failure {
	told := reason.wait + rand.N(retryJitter)
	if !reason.limited {
		return &failure{recovery: nextModel, blocked: true, err: unavailableError(told, errOpen)}
	}
	return &failure{recovery: tryAgain, wait: reason.wait, blocked: true, err: rateLimitedError(told, errOpen)}
}

func unavailableError(retryAfter time.Duration, cause error) *study.Error {
	return &study.Error{Code: study.CodeUpstreamUnavailable, Message: "the AI service cannot answer right now",
		RetryAfter: retryAfter, Cause: cause}
}

// rateLimitedError reports that the upstream requests a pause; 0 = of unknown length.
func rateLimitedError(wait time.Duration, cause error) *study.Error {
	message := "the AI service is limiting requests right now; try again soon"
	if wait > 0 {
		message = "the AI service asks us to wait " + study.Wait(wait)
	}
	return &study.Error{Code: study.CodeUpstreamLimited, Message: message, RetryAfter: wait, Cause: cause}
}

// ioFailure classifies a failed exchange: ended by our timer, ended by the caller, or broken. n, code and message apply
// to the last case.
func ioFailure(ctx context.Context, err error, n recovery, code study.Code, message string) *failure {
	if ctx.Err() != nil {
		return silenceFailure(ctx)
	}
	return &failure{recovery: n, health: unhealthy, err: &study.Error{Code: code, Message: message, Cause: safeCause(err)}}
}

// silenceFailure classifies the end of ctx: by our timer or by the caller.
func silenceFailure(ctx context.Context) *failure {
	cause := context.Cause(ctx)
	if errors.Is(cause, errSilence) {
		return &failure{recovery: nextModel, health: unhealthy, err: &study.Error{Code: study.CodeUpstreamTimeout,
			Message: "the model did not answer in time", Cause: cause}}
	}
	code, message := study.CodeUnavailable, "the request ended before the model answered"
	if errors.Is(cause, context.DeadlineExceeded) {
		code, message = study.CodeTimeout, "timed out"
	}
	return &failure{recovery: giveUp, health: unknown, err: study.AsError(study.Wrap(cause, code, message))}
}

// safeCause returns only causes with texts that are safe to log. Others may quote the upstream (net/http does so for a
// malformed response), and the upstream may quote the API key.
func safeCause(err error) error {
	if err == nil {
		return nil
	}
	for _, ours := range []error{errRawBytes, errLongLine, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, ours) {
			return ours
		}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return bad
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return errSlowNetwork
	}
	return errExchange
}
