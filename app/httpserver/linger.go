package httpserver

import (
	"errors"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Limits on lingering connections.
const (
	lingerConns = 512              // at the same time; beyond this, only what has been received is discarded
	lingerBytes = 64 << 20         // per connection
	lingerTime  = 30 * time.Second // per connection
	lingerQuiet = 2 * time.Second  // without receiving a byte
	lingerStep  = 250 * time.Millisecond
	lingerRead  = 8 << 10
)

// leaveUnread records that a part of a request stays unread and that the connection ends with the answer, which has
// this status. A client that was too slow (408) gets no more time.
func (c *conn) leaveUnread(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lingers = lingerTime
	if status == http.StatusRequestTimeout {
		c.lingers = lingerQuiet
	}
}

// linger closes the sending side and discards what the client still sends, until the client has closed its side too or
// a limit is reached (RFC 9112, section 9.6). A close with unread bytes resets the connection, and a reset destroys an
// answer that the client has not read yet.
func (c *conn) linger() {
	c.mu.Lock()
	longest := c.lingers
	c.lingers = 0
	c.mu.Unlock()
	if longest == 0 {
		return
	}
	defer c.conns.lingers.Add(-1)
	if c.conns.lingers.Add(1) > lingerConns {
		c.dropReceived()
		return
	}
	if c.CloseWrite() != nil {
		return
	}
	drop := make([]byte, lingerRead)
	began := time.Now()
	heard, dropped := began, 0
	for dropped < lingerBytes && time.Since(began) < longest && time.Since(heard) < lingerQuiet {
		_ = c.TCPConn.SetReadDeadline(time.Now().Add(lingerStep))
		n, err := c.TCPConn.Read(drop)
		if n > 0 {
			heard, dropped = time.Now(), dropped+n
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || c.conns.ending.Load() {
			return
		}
	}
}

// dropReceived discards up to 64 kB that the kernel has received, so that a small request that arrived completely is
// not reset.
func (c *conn) dropReceived() {
	drop := make([]byte, lingerRead)
	_ = withDescriptor(c.TCPConn, func(fd int) error {
		for range 8 {
			if n, _, err := unix.Recvfrom(fd, drop, unix.MSG_DONTWAIT); n <= 0 || err != nil {
				return err
			}
		}
		return nil
	})
}
