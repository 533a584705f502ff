package httpserver

import (
	"context"
	"net"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// A client's socket is polled if its answer is slow, often enough to cancel an abandoned run within 100 ms.
const (
	firstPoll = 20 * time.Millisecond
	nextPoll  = 50 * time.Millisecond
)

// disconnectWatcher detects that a client disconnects during its request: fasthttp reads nothing from the connection at
// that time, and so would not notice. Each poll is one system call in a timer's goroutine; a fast answer needs none.
type disconnectWatcher struct {
	conn  net.Conn
	cause error
	ctx   context.Context
	leave context.CancelCauseFunc
	timer *time.Timer
}

// WithDisconnect derives a context that ends with cause when the request's client closes its connection, or the sending
// side of it. The caller calls done when it has the answer.
func WithDisconnect(parent context.Context, request *fasthttp.RequestCtx, cause error) (_ context.Context, done func()) {
	return watchDisconnect(parent, request.Conn(), cause)
}

func watchDisconnect(parent context.Context, conn net.Conn, cause error) (_ context.Context, done func()) {
	d := &disconnectWatcher{conn: conn, cause: cause}
	d.ctx, d.leave = context.WithCancelCause(parent)
	d.timer = time.AfterFunc(time.Hour, d.poll)
	d.timer.Reset(firstPoll) // not before d.timer is set: poll uses it
	return d.ctx, d.done
}

func (d *disconnectWatcher) poll() {
	switch {
	case d.ctx.Err() != nil:
	case isDisconnected(d.conn):
		d.leave(d.cause)
	default:
		d.timer.Reset(nextPoll)
	}
}

// done ends the watch. At most one more poll follows a poll in progress.
func (d *disconnectWatcher) done() {
	d.leave(nil)
	d.timer.Stop()
}

// isDisconnected reports whether the peer has sent its last byte, read or not, or has reset the connection. A
// connection without a descriptor counts as open.
func isDisconnected(conn net.Conn) bool {
	const gone = unix.POLLRDHUP | unix.POLLHUP | unix.POLLERR
	left := false
	err := withDescriptor(conn, func(fd int) error {
		look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}} //nolint:gosec // a descriptor fits
		_, err := unix.Poll(look, 0)
		left = look[0].Revents&gone != 0
		return err
	})
	return err == nil && left
}
