package httpserver

import (
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// smallAnswer is the size up to which answers are not counted: the kernel buffers them at once.
const smallAnswer = 16 << 10

// maxUnsent limits how much of an answer the kernel buffers beyond what the client has room for. The kernel's own limit
// is megabytes, which count as the container's memory but are not tracked by the server.
const maxUnsent = 64 << 10

// transit is the part of a worker's memory for bodies that have not arrived completely and answers that have not been
// sent completely. Clients decide how long those stay.
type transit struct {
	limit int64 // bytes
	used  atomic.Int64
}

// reserve reserves n bytes if they fit. A reservation always fits if there is no other; otherwise a limit below
// MAX_BODY_KB would refuse the largest bodies forever.
func (t *transit) reserve(n int64) bool {
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

// HoldAnswer reserves n bytes of Options.TransitBytes until an answer of that size is sent, and reports whether they
// fit. With must it reserves them even if they do not fit: for the answer to a request that was already executed.
func HoldAnswer(ctx *fasthttp.RequestCtx, n int, must bool) bool {
	c, ok := ctx.Conn().(*conn)
	switch {
	case !ok || n <= smallAnswer:
		return true
	case must:
		c.conns.transit.used.Add(int64(n))
		c.held.Add(int64(n))
		return true
	default:
		return c.reserve(n)
	}
}

// reserve holds n bytes until the request is answered and the answer is sent. It returns false if they do not fit.
func (c *conn) reserve(n int) bool {
	if !c.conns.transit.reserve(int64(n)) {
		return false
	}
	c.held.Add(int64(n))
	return true
}

// release releases the last request's reservation.
func (c *conn) release() {
	if n := c.held.Swap(0); n > 0 {
		c.conns.transit.used.Add(-n)
	}
}

// boundKernel limits the kernel's buffer to maxUnsent. It is called only for large answers; event streams use the
// kernel's limit.
func (c *conn) boundKernel() {
	_ = withDescriptor(c.TCPConn, func(fd int) error { // if it fails, the kernel's own limit applies
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
	})
}

// Write writes an answer. It gives up after a window of the pace in which the client read next to nothing.
func (c *conn) Write(p []byte) (int, error) {
	if !c.streamUntil.IsZero() {
		return c.writeStream(p)
	}
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
			until = now.Add(pace.Longest - pace.Window)
		}
		if taken = sent - c.queued(); taken-before < pace.Bytes || now.After(until) {
			return sent, err
		}
		if err := c.SetWriteDeadline(now.Add(pace.Window)); err != nil {
			return sent, err
		}
	}
}

// queued returns the number of written bytes that the client has not acknowledged.
func (c *conn) queued() (n int) {
	_ = withDescriptor(c.TCPConn, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return err
	})
	return n
}
