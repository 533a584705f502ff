package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/stream/eventstream"
)

// Response is a complete response. Body is overwritten by the connection's next request.
type Response struct {
	Head
	Body []byte
}

// Conn is one connection, for one goroutine. It never reconnects and never repeats a request. Its errors are *Failures.
type Conn struct {
	conn    net.Conn
	r       *bufio.Reader
	body    []byte
	timeout time.Duration // of one request
	silence time.Duration // of one read of a stream; 0 = not a stream
	port    int
	nth     int
	broken  bool

	answering bool // the response to the last request has begun to arrive
}

// Dial connects to a server within timeout, which then also bounds each Do. from is the source address; with the zero
// Addr, the kernel chooses it. The port is chosen at connect and not at bind, so that each pair of addresses can use
// all ephemeral ports (ip(7), IP_BIND_ADDRESS_NO_PORT).
func Dial(ctx context.Context, to netip.AddrPort, from netip.Addr, timeout time.Duration) (*Conn, error) {
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		d.Control = bindWithoutPort
	}
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, &Failure{Kind: dialFailure(ctx, err), At: time.Now(), Err: err}
	}
	return newConn(conn, timeout), nil
}

func newConn(conn net.Conn, timeout time.Duration) *Conn {
	c := &Conn{conn: conn, timeout: timeout}
	c.r = bufio.NewReaderSize(connReader{c}, MaxLine)
	if local, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		c.port = local.Port
	}
	return c
}

// connReader reads a connection; on a stream it sets a deadline for each read.
type connReader struct{ c *Conn }

func (r connReader) Read(p []byte) (int, error) {
	if r.c.silence > 0 {
		if err := r.c.conn.SetReadDeadline(time.Now().Add(r.c.silence)); err != nil {
			return 0, err
		}
	}
	return r.c.conn.Read(p)
}

func bindWithoutPort(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	return errors.Join(err, failed)
}

// Port returns the client's port, which identifies the connection to a server.
func (c *Conn) Port() int { return c.port }

// Usable reports whether another request can be sent: the connection has not failed, and the server has not announced
// that it will close it.
func (c *Conn) Usable() bool { return !c.broken }

// Close closes the connection at once.
func (c *Conn) Close() { _ = c.conn.Close() }

// Do sends a request and reads its response. The response must have the service's own form, id as its X-Request-ID
// (unless id is ""), a Content-Length and status 200.
func (c *Conn) Do(request []byte, id string) (Response, error) {
	response, err := c.exchange(request, Head.plain)
	switch {
	case err != nil:
		return Response{}, err
	case response.Length == UntilClose:
		return Response{}, c.failed(malformed("no Content-Length"))
	case response.RequestID != id && id != "":
		return Response{}, c.mixed(fmt.Errorf("the response is to %q", response.RequestID))
	case response.Status != 200:
		return response, c.failure(StatusKind(response.Status), errors.New(clip(response.Body)))
	}
	return response, nil
}

// exchange sends a request and reads the complete response, whose head must pass check.
func (c *Conn) exchange(request []byte, check func(Head) error) (Response, error) {
	head, err := c.begin(request)
	if err == nil {
		if err = check(head); err == nil {
			c.body, err = head.readBody(c.r, c.body)
		}
		if err != nil {
			err = c.failed(err)
		}
	}
	if err != nil {
		return Response{}, err
	}
	c.broken = head.Close || head.Old || head.Length == UntilClose && !head.Chunked
	if n := c.r.Buffered(); n > 0 {
		return Response{}, c.mixed(fmt.Errorf("%d bytes after the response", n))
	}
	return Response{Head: head, Body: c.body}, nil
}

// begin sends a request and reads the head of its response. If a server answers early and closes, the write fails, but
// its answer counts.
func (c *Conn) begin(request []byte) (Head, error) {
	c.nth++
	c.broken = true
	err := c.conn.SetDeadline(time.Now().Add(c.timeout))
	if err == nil {
		_, err = c.conn.Write(request)
	}
	var head Head
	_, errRead := c.r.Peek(1)
	if c.answering = errRead == nil; c.answering {
		head, errRead = ReadHead(c.r)
	}
	switch {
	case errRead == nil:
		return head, nil
	case err != nil && errors.Is(errRead, io.EOF):
		return head, c.failed(err)
	default:
		return head, c.failed(errRead)
	}
}

// End waits until the server closes a connection, as its last response announced. The TIME_WAIT state is then on the
// server's port and not on the client's. Bytes that belong to no request are a failure, and so is a server that does
// not close.
func (c *Conn) End() error {
	defer c.Close()
	if err := c.conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return c.failed(err)
	}
	n, err := c.r.Read(make([]byte, 1))
	switch {
	case n > 0:
		return c.mixed(errors.New("bytes after the last response"))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.failed(err)
	default:
		return nil
	}
}

// Stream requests an event stream, which owns the connection from then on. silence limits the time between two reads,
// so comments extend it.
func (c *Conn) Stream(request []byte, silence time.Duration) (*Events, error) {
	head, err := c.begin(request)
	switch {
	case err != nil:
		return nil, err
	case head.Status != 200:
		return nil, c.failure(StatusKind(head.Status), errors.New("instead of a stream"))
	case head.plain() != nil || head.Length != UntilClose || !strings.HasPrefix(head.ContentType, "text/event-stream"):
		return nil, c.failed(malformed("an event stream of type %q and length %d", head.ContentType, head.Length))
	}
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		return nil, c.failed(err)
	}
	c.silence = silence
	return &Events{conn: c, reader: eventstream.NewReader(c.r, eventstream.Limits{Line: MaxEvent, Event: MaxEvent})}, nil
}

func (c *Conn) mixed(err error) error {
	c.broken = true
	return c.failure(Mixed, err)
}

// failed returns a failure after which the connection cannot be used.
func (c *Conn) failed(err error) error {
	c.broken = true
	return c.failure(readFailure(err), err)
}

func (c *Conn) failure(kind Kind, err error) error {
	return &Failure{Kind: kind, At: time.Now(), Nth: c.nth, Port: c.port, Err: err}
}

func clip(body []byte) string {
	const most = 200
	return string(body[:min(len(body), most)])
}
