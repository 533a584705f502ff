package httpserver

import (
	"errors"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of lingering.
const (
	lingerConns = 512              // connections at once; above it only what has been received is dropped
	lingerBytes = 64 << 20         // a connection
	lingerTime  = 30 * time.Second // a connection
	lingerQuiet = 2 * time.Second  // without a byte
	lingerStep  = 250 * time.Millisecond
	lingerRead  = 8 << 10
)

// leaveUnread notes that a part of a request stays unread, and that the connection ends with the answer, of that status.
// A client that was too slow (408) has had its time.
func (c *conn) leaveUnread(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lingers = lingerTime
	if status == http.StatusRequestTimeout {
		c.lingers = lingerQuiet
	}
}

// linger closes the sending side and drops what the client still sends, until the client has closed its side too or a
// bound is reached (RFC 9112, section 9.6). A close with unread bytes resets the connection, and a reset takes the
// answer from a client that has not read it yet.
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

// dropReceived drops what the kernel has received, 64 kB at most, so that a small request that came whole is not reset.
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
