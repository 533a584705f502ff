package httpapi

import (
	"context"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/study"
)

// A client is looked after once its answer is slow, and then so often that a run
// nobody waits for ends within 100 ms.
const (
	firstLook = 20 * time.Millisecond
	lookAgain = 50 * time.Millisecond
)

// errLeft is the cause of the end of a run whose client has left.
var errLeft = study.Errorf(study.CodeUnavailable, "the client has left")

// disconnectWatcher sees a client leave whose request is being worked on: the server reads
// nothing from a connection meanwhile, and so would not notice. A look is one poll of
// the socket by a timer's goroutine; a fast answer costs none.
type disconnectWatcher struct {
	conn  net.Conn
	ctx   context.Context
	leave context.CancelCauseFunc
	timer *time.Timer
}

// withDisconnect gives a context that ends with errLeft when the client at nc closes its
// connection, or its side of it. The caller calls done when it has the answer.
func withDisconnect(ctx context.Context, nc net.Conn) (_ context.Context, done func()) {
	d := &disconnectWatcher{conn: nc}
	d.ctx, d.leave = context.WithCancelCause(ctx)
	d.timer = time.AfterFunc(time.Hour, d.poll)
	d.timer.Reset(firstLook) // now that look finds the timer
	return d.ctx, d.done
}

func (d *disconnectWatcher) poll() {
	switch {
	case d.ctx.Err() != nil:
	case isDisconnected(d.conn):
		d.leave(errLeft)
	default:
		d.timer.Reset(lookAgain)
	}
}

// done ends the watch. A look that is going on finds the context over, or is the last but one.
func (d *disconnectWatcher) done() {
	d.leave(nil)
	d.timer.Stop()
}

// isDisconnected reports whether the peer has sent its last byte, read or not, or has reset
// the connection. A connection without a descriptor says nothing.
func isDisconnected(nc net.Conn) bool {
	const gone = unix.POLLRDHUP | unix.POLLHUP | unix.POLLERR
	left := false
	err := withDescriptor(nc, func(fd int) error {
		look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}} //nolint:gosec // a descriptor fits
		_, err := unix.Poll(look, 0)
		left = look[0].Revents&gone != 0
		return err
	})
	return err == nil && left
}
