package llm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"studysharper/app/study"
)

// next is what to do after a failure.
type next int

const (
	giveUp    next = iota // the next model would fare no better, or text has been shown
	nextModel             // this model will not do better, another may
	tryAgain              // the same call may succeed in a moment
)

// failure is an error with what to do about it, and what it says of the upstream.
type failure struct {
	err     *study.Error
	next    next
	verdict verdict
	rest    time.Duration // the model asked to be left alone for so long
	wait    time.Duration // the model asks for it before the next try; 0 = it did not say
	refused bool          // by the breaker: there was no call
}

// after gives the error, with the failures of all models asked in its cause. Where one of
// them said when to come back, that is what the caller is told.
func (f *failure) after(before []*study.Error) error {
	if len(before) == 0 {
		return f.err
	}
	all := append(before, f.err)
	whole := *f.err
	if soonest := soonest(all); soonest != nil && f.next != giveUp {
		whole = *soonest
	}
	whole.Cause = all[0]
	for _, later := range all[1:] {
		whole.Cause = fmt.Errorf("%w; then %w", whole.Cause, later)
	}
	return &whole
}

// soonest is the failure of the model that may be asked again first; nil where none said.
func soonest(all []*study.Error) *study.Error {
	var first *study.Error
	for _, e := range all {
		if e.RetryAfter > 0 && (first == nil || e.RetryAfter < first.RetryAfter) {
			first = e
		}
	}
	return first
}

// Causes of our own for ending a call.
var (
	errSilence  = errors.New("no answer within the time allowed")
	errRawBytes = errors.New("response longer than the bound")
	errExchange = errors.New("the HTTP exchange failed")
	errOpen     = errors.New("the model's circuit breaker is open")

	errSlowNetwork = errors.New("the network took too long")
)

func failed(n next, cause error, message string) *failure {
	return &failure{next: n, err: &study.Error{Code: study.CodeUpstreamFailed, Message: message, Cause: cause}}
}

// sick marks a failure as one that speaks of the upstream's health.
func (f *failure) sick() *failure {
	f.verdict = ill
	return f
}

// refused says that the breaker let no call go: the model fails, or it asked us to wait,
// and then the rest of that wait may be short enough to wait for.
func refused(no blocked) *failure {
	told := no.wait + rand.N(moreWait)
	if !no.limited {
		return &failure{next: nextModel, refused: true, err: notNow(told, errOpen)}
	}
	return &failure{next: tryAgain, wait: no.wait, refused: true, err: limitedFor(told, errOpen)}
}

// statusFailure says what an HTTP status other than 200, or the code in an error
// object, means. It reads nothing the upstream wrote but the number.
func statusFailure(status int, retryAfter time.Duration) *failure {
	cause := errors.New("upstream status " + strconv.Itoa(status))
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return failed(giveUp, cause, "the model's API refused our key")
	case status == http.StatusPaymentRequired:
		return failed(giveUp, cause, "the model's API wants to be paid first")
	case status >= 300 && status < 400:
		return failed(giveUp, cause, "the model's API answered with a redirect, which is not followed")
	case status == http.StatusNotFound:
		return failed(nextModel, cause, "the model's API does not know the model")
	case status == http.StatusTooManyRequests,
		retryAfter > maxWait && (status == http.StatusRequestTimeout || status >= 500):
		// Neither well nor ill: it has no time for us.
		return &failure{next: tryAgain, verdict: unsure, rest: retryAfter, wait: retryAfter, err: limitedFor(retryAfter, cause)}
	case status == http.StatusRequestTimeout, status >= 500:
		return &failure{next: tryAgain, verdict: ill, wait: retryAfter, err: notNow(retryAfter, cause)}
	case status >= 400:
		return failed(nextModel, cause, "the model's API refused the request")
	default:
		return failed(nextModel, cause, "the model's API answered with a status that makes no sense")
	}
}

func notNow(retryAfter time.Duration, cause error) *study.Error {
	return &study.Error{Code: study.CodeUpstreamUnavailable, Message: "the model cannot answer just now",
		RetryAfter: retryAfter, Cause: cause}
}

// limitedFor is the error of a model that asks us to wait; 0 = it does not say for how long.
func limitedFor(wait time.Duration, cause error) *study.Error {
	message := "the AI service limits our requests just now; try again soon"
	if wait > 0 {
		message = "the AI service asks us to wait " + study.Wait(wait)
	}
	return &study.Error{Code: study.CodeUpstreamLimited, Message: message, RetryAfter: wait, Cause: cause}
}

// ioFailure says what a failed exchange means: one that was ended, by us or by the
// caller, or one that broke. n is what to do in the latter case.
func ioFailure(ctx context.Context, err error, n next, code study.Code, message string) *failure {
	if ctx.Err() != nil {
		return silenceFailure(ctx)
	}
	return &failure{next: n, verdict: ill, err: &study.Error{Code: code, Message: message, Cause: harmless(err)}}
}

// silenceFailure says why ctx has ended: our own timers, or the caller.
func silenceFailure(ctx context.Context) *failure {
	cause := context.Cause(ctx)
	if errors.Is(cause, errSilence) {
		return &failure{next: nextModel, verdict: ill, err: &study.Error{Code: study.CodeUpstreamTimeout,
			Message: "the model did not answer in time", Cause: cause}}
	}
	code, message := study.CodeUnavailable, "the run was ended before the model had answered"
	if errors.Is(cause, context.DeadlineExceeded) {
		code, message = study.CodeTimeout, "the run took longer than it may"
	}
	return &failure{next: giveUp, verdict: unsure, err: study.AsError(study.Wrap(cause, code, message))}
}

// harmless keeps the causes whose text is made on this side. Others may quote the
// upstream (net/http does, of a malformed response), which may quote our key.
func harmless(err error) error {
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
