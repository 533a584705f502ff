package httpapi

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// transit is the share of a worker's memory for request bodies that have not arrived in full and for answers that
// have not been sent: its clients decide how long those stay.
type transit struct {
	limit int64 // bytes
	used  atomic.Int64
}

// take reserves n bytes if they fit. What is alone always fits: else a limit below MAX_BODY_KB would refuse the
// largest bodies for ever.
func (t *transit) take(n int64) bool {
	for {
		used := t.used.Load()
		if used > 0 && used+n > t.limit {
			return false
		}
		if t.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// hold reserves n bytes until the request is answered and the answer is sent; false: there is no room.
func (c *conn) hold(n int) bool {
	if !c.conns.transit.take(int64(n)) {
		return false
	}
	c.held.Add(int64(n))
	return true
}

// holdAnyway reserves n bytes also where they do not fit: for the answer to a request that was carried out.
func (c *conn) holdAnyway(n int) {
	c.conns.transit.used.Add(int64(n))
	c.held.Add(int64(n))
}

// release gives back what the last request held.
func (c *conn) release() {
	if n := c.held.Swap(0); n > 0 {
		c.conns.transit.used.Add(-n)
	}
}

// maxUnsent is what the kernel may keep of an answer that the client's side has no room for. By itself it keeps
// megabytes for a client that does not read, which are the container's memory too, and which nobody counts.
const maxUnsent = 64 << 10

// boundKernel holds the kernel to maxUnsent. It is for large answers only: an event stream may use what there is.
func (c *conn) boundKernel() {
	_ = withDescriptor(c.TCPConn, func(fd int) error { // else its own bound holds
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
	})
}

// Write writes an answer. Its time is over when a window has passed in which the client took next to nothing.
func (c *conn) Write(p []byte) (int, error) {
	pace, queued := c.conns.answers, 0
	if len(p) > smallAnswer {
		if !c.bounded {
			c.bounded = true
			c.boundKernel()
		}
		queued = c.queued()
	}
	sent, taken, until := 0, -queued, time.Time{}
	for {
		n, err := c.TCPConn.Write(p[sent:])
		sent += n
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return sent, err
		}
		now, before := time.Now(), taken
		if until.IsZero() {
			until = now.Add(pace.longest - pace.window)
		}
		if taken = sent - c.queued(); taken-before < pace.bytes || now.After(until) {
			return sent, err
		}
		if err := c.SetWriteDeadline(now.Add(pace.window)); err != nil {
			return sent, err
		}
	}
}

// queued is how much the kernel keeps of what was written, until the client's side has it.
func (c *conn) queued() (n int) {
	_ = withDescriptor(c.TCPConn, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return err
	})
	return n
}
