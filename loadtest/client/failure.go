package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Kind says in a few words how a request failed: few enough to be counted by.
type Kind string

// The kinds. A status other than 200 has one of its own: see StatusKind.
const (
	Refused       Kind = "connection refused"
	Unreachable   Kind = "unreachable" // no connection, for another reason
	Exhausted     Kind = "out of local ports or files"
	Certificate   Kind = "certificate not trusted"
	ResetIdle     Kind = "reset while idle"   // a kept connection was gone before the request reached the server
	ResetInFlight Kind = "reset in flight"    // a connection was closed or reset before the whole answer came
	Timeout       Kind = "timeout"            // no whole answer in time
	Malformed     Kind = "answer is not HTTP" // or one with bytes behind it that nobody asked for
	TooLong       Kind = "answer too long"
	NotJSON       Kind = "answer is not JSON"
	NoSuccess     Kind = "status 200 without success"
	Canceled      Kind = "canceled" // by this side: no failure of the server's
)

// StatusKind is the kind of a whole answer with a status other than 200.
func StatusKind(status int) Kind { return Kind(fmt.Sprintf("status %d", status)) }

// Error makes a Kind an error.
func (k Kind) Error() string { return string(k) }

// KindOf gives an error's kind. Those of this package have one; nil has "".
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if kind, ok := errors.AsType[Kind](err); ok {
		return kind
	}
	return Malformed
}

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
		return ResetInFlight
	case isNet && timeout.Timeout():
		return Timeout
	default:
		return Unreachable
	}
}
