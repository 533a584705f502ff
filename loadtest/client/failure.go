package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Kind is how a request failed; failures are counted by it.
type Kind string

// The kinds. Each status other than 200 is a kind of its own; see StatusKind.
const (
	Refused     Kind = "connection refused"
	Unreachable Kind = "unreachable"                 // no connection, for another reason
	Exhausted   Kind = "out of local ports or files" // on this machine; not the server's fault
	Certificate Kind = "certificate not trusted"
	Timeout     Kind = "timeout"                   // no complete answer in time
	Malformed   Kind = "answer is not HTTP"        // or one that is followed by bytes that belong to no request
	Mixed       Kind = "answer to another request" // also bytes that belong to no request
	TooLong     Kind = "answer too long"
	NotJSON     Kind = "answer is not JSON"
	NoSuccess   Kind = "status 200 without success"
	Canceled    Kind = "canceled" // by this side

	// How a Conn was lost.
	Reset  Kind = "reset"
	Closed Kind = "closed" // before a byte of the response
	Cut    Kind = "cut"    // in the middle of the response

	// How a Client's connection was lost, which depends on what it was used for.
	ResetIdle     Kind = "reset while idle" // a kept connection was closed before the request reached the server
	ResetInFlight Kind = "reset in flight"  // a connection was closed or reset before the complete answer arrived
)

// StatusKind returns the kind of a complete answer with a status other than 200.
func StatusKind(status int) Kind { return Kind(fmt.Sprintf("status %d", status)) }

// Error implements error.
func (k Kind) Error() string { return string(k) }

// KindOf returns an error's kind; "" for nil. All errors of this package have one.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Kind
	}
	if kind, ok := errors.AsType[Kind](err); ok {
		return kind
	}
	return Malformed
}

// Failure describes a failed request over a Conn.
type Failure struct {
	Kind Kind
	At   time.Time
	Nth  int // which request of its connection; 0 without a connection
	Port int // the client's; 0 without a connection
	Err  error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s (request %d of its connection, from port %d): %v", f.Kind, f.Nth, f.Port, f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// readFailure returns the kind of a read or write error.
func readFailure(err error) Kind {
	switch {
	case errors.Is(err, errTooLong):
		return TooLong
	case errors.Is(err, errMalformed):
		return Malformed
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Cut
	case errors.Is(err, io.EOF):
		return Closed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	default:
		return Reset // ECONNRESET, or EPIPE if a write found it
	}
}

// dialFailure returns the kind of a connect error.
func dialFailure(ctx context.Context, err error) Kind {
	untrusted, isUntrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, isHostname := errors.AsType[x509.HostnameError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return Canceled
	case isUntrusted && untrusted != nil, isHostname:
		return Certificate
	case isRecord:
		return Malformed
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return Exhausted
	case errors.Is(err, syscall.ECONNRESET):
		return Reset
	case isNet && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return Timeout
	default:
		return Unreachable
	}
}
