package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"studysharper/app/metrics"
	"studysharper/app/testkit"
)

// client is a raw connection that never retries.
type client struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func (f *face) dial() *client {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		f.t.Fatal(err)
	}
	return &client{f.t, conn, bufio.NewReader(conn)}
}

const get = "GET /api/ai/stream-status HTTP/1.1\r\nHost: x\r\n\r\n"

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive() error {
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != 200 || res.Close {
		return fmt.Errorf("status %d, close %v", res.StatusCode, res.Close)
	}
	return nil
}

// untilHeld waits until the server has accepted so many connections. The listener is this server's alone, so
// connections that wait in it are lost when it closes.
func (f *face) untilHeld(n int64) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d connections", n), func() bool { return f.held() >= n })
}

// untilActive waits until the server has started to read so many requests.
func (f *face) untilActive(n int64) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d requests under way", n), func() bool { return f.server.o.Own.Gauge(metrics.InFlight) >= n })
}

// held returns the number of the server's connections, with event streams.
func (f *face) held() int64 {
	return f.open() + f.board.Worker(1).Gauge(metrics.Streams)
}

func (f *face) requests() uint64 { return f.board.Worker(1).Count(metrics.Requests) }

// say sends a head, and returns the answer. The caller sends the body.
func (c *client) say(head string) *http.Response {
	c.t.Helper()
	c.send(head)
	return c.answer()
}

func (c *client) answer() *http.Response {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// until waits for a state of the server.
func (f *face) until(what string, is func() bool) {
	f.t.Helper()
	testkit.Eventually(f.t, what, is)
}

// used returns how many bytes of bodies and answers the server holds.
func (f *face) used() int64 { return f.server.http.InTransit() }

// open returns the number of the server's connections, without event streams.
func (f *face) open() int64 { return f.server.o.Own.Gauge(metrics.Connections) }
