package wire

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
)

// Kind says in a word how a request failed.
type Kind string

// The kinds. A status other than 200 has one of its own: see StatusKind.
const (
	Refused   Kind = "refused"   // no connection: nobody listens
	Local     Kind = "local"     // no connection: this machine has no port or descriptor left, the server is not to blame
	NoDial    Kind = "no dial"   // no connection, for another reason
	Reset     Kind = "reset"     // the connection was reset
	Closed    Kind = "closed"    // it was closed before a byte of the response
	Cut       Kind = "cut"       // it was closed in the middle of the response
	TimedOut  Kind = "timed out" // no full response in time
	Malformed Kind = "malformed" // bytes that are not a response
	Mixed     Kind = "mixed"     // the response to another request, or bytes nobody asked for
)

// StatusKind is the kind of a full response with a status other than 200.
func StatusKind(status int) Kind { return Kind(fmt.Sprintf("status %d", status)) }

// Failure is a request that was not answered as it should be.
type Failure struct {
	Kind Kind
	At   time.Time
	Nth  int // which request of its connection; 0: there was no connection
	Port int // the client's; 0: there was no connection
	Err  error
}

// Error tells all but the moment.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s (request %d of its connection, from port %d): %v", f.Kind, f.Nth, f.Port, f.Err)
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Response is a full response. Body is the connection's own until the next Do.
type Response struct {
	Head
	Body []byte
}

// Conn is one connection, for one goroutine. Every error of it is a *Failure.
type Conn struct {
	conn    *net.TCPConn
	r       *bufio.Reader
	body    []byte
	timeout time.Duration
	port    int
	nth     int
	broken  bool
}

// Dial connects to a server within timeout, which then also bounds each Do. from is
// the address to come from; the zero Addr leaves it to the kernel. The port is
// chosen at connect and not at bind, so that each address pair has all ephemeral
// ports for itself (ip(7), IP_BIND_ADDRESS_NO_PORT).
func Dial(ctx context.Context, to netip.AddrPort, from netip.Addr, timeout time.Duration) (*Conn, error) {
	d := net.Dialer{Timeout: timeout, KeepAlive: -1}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		d.Control = bindWithoutPort
	}
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, &Failure{Kind: dialKind(err), At: time.Now(), Err: err}
	}
	tcp, _ := conn.(*net.TCPConn) // "tcp" gives nothing else
	local, _ := tcp.LocalAddr().(*net.TCPAddr)
	return &Conn{conn: tcp, r: bufio.NewReaderSize(tcp, MaxLine), timeout: timeout, port: local.Port}, nil
}

func bindWithoutPort(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	return errors.Join(err, failed)
}

func dialKind(err error) Kind {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return Local
	case errors.Is(err, syscall.ECONNRESET):
		return Reset
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	default:
		return NoDial
	}
}

// Port is the client's port: with the server's address it names the connection.
func (c *Conn) Port() int { return c.port }

// Requests is how many the connection has carried.
func (c *Conn) Requests() int { return c.nth }

// Usable reports whether another request may be sent: nothing failed below HTTP, and
// the server has not said that it closes.
func (c *Conn) Usable() bool { return !c.broken }

// Close ends the connection at once.
func (c *Conn) Close() { _ = c.conn.Close() }

// Do sends a request and reads its response, which must carry id as its
// X-Request-ID ("" is not compared), have a Content-Length and status 200.
func (c *Conn) Do(request []byte, id string) (Response, error) {
	head, err := c.begin(request)
	if err != nil {
		return Response{}, err
	}
	if head.Length == UntilClose {
		return Response{}, c.failed(malformed("no Content-Length"))
	}
	c.body, err = readBody(c.r, c.body[:0], head.Length)
	if err != nil {
		return Response{}, c.failed(err)
	}
	c.broken = head.Close
	if head.RequestID != id && id != "" {
		return Response{}, c.mixed(fmt.Errorf("the response is to %q", head.RequestID))
	}
	if c.r.Buffered() > 0 {
		return Response{}, c.mixed(fmt.Errorf("%d bytes behind the response", c.r.Buffered()))
	}
	if head.Status != 200 {
		return Response{Head: head, Body: c.body}, c.failure(StatusKind(head.Status), errors.New(clip(c.body)))
	}
	return Response{Head: head, Body: c.body}, nil
}

// begin sends a request and reads its response's head.
func (c *Conn) begin(request []byte) (Head, error) {
	c.nth++
	c.broken = true
	if err := c.conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return Head{}, c.failed(err)
	}
	if _, err := c.conn.Write(request); err != nil {
		return Head{}, c.failed(err)
	}
	head, err := ReadHead(c.r)
	if err != nil {
		return head, c.failed(err)
	}
	return head, nil
}

// End waits for the server's end of a connection that it said it closes, so that the
// kernel keeps the TIME_WAIT for the server's port and not for ours. Only bytes that
// nobody asked for and a server that does not keep its word are failures.
func (c *Conn) End() error {
	defer c.Close()
	if err := c.conn.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return c.failed(err)
	}
	n, err := c.r.Read(make([]byte, 1))
	switch {
	case n > 0:
		return c.mixed(errors.New("bytes behind the last response"))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.failed(err)
	default:
		return nil
	}
}

// Stream asks for an event stream and gives its events. The connection is the
// stream's from then on. silence bounds how long Next waits for a line.
func (c *Conn) Stream(request []byte, silence time.Duration) (*Events, error) {
	head, err := c.begin(request)
	switch {
	case err != nil:
		return nil, err
	case head.Status != 200:
		return nil, c.failure(StatusKind(head.Status), errors.New("instead of a stream"))
	case head.Length != UntilClose || !strings.HasPrefix(head.ContentType, "text/event-stream"):
		return nil, c.failed(malformed("an event stream of type %q and length %d", head.ContentType, head.Length))
	}
	return &Events{conn: c, silence: silence}, nil
}

func (c *Conn) mixed(err error) error {
	c.broken = true
	return c.failure(Mixed, err)
}

// failed is a failure below HTTP: the connection is of no use any more.
func (c *Conn) failed(err error) error {
	c.broken = true
	return c.failure(kindOf(err), err)
}

func (c *Conn) failure(kind Kind, err error) error {
	return &Failure{Kind: kind, At: time.Now(), Nth: c.nth, Port: c.port, Err: err}
}

func kindOf(err error) Kind {
	switch {
	case errors.Is(err, errMalformed):
		return Malformed
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Cut
	case errors.Is(err, io.EOF):
		return Closed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	default:
		return Reset // ECONNRESET, and EPIPE where the write came second
	}
}

func clip(body []byte) string {
	const most = 200
	return string(body[:min(len(body), most)])
}
