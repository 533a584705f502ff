package memory

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// burst is many clients, each with its own connection, that send requests all at once. They share one thread and one
// epoll set, without a goroutine or a buffer each, to leave the processor to the service. The kernel timestamps the
// answers (SO_TIMESTAMPNS), so the time until the test reads an answer does not count.
type burst struct {
	epoll   int
	clients []*burstClient
}

// burstClient is one client. Times are in Unix nanoseconds.
type burstClient struct {
	fd   int
	sent int64 // just before the request was passed to the kernel
	came int64 // when the last byte of the answer reached this end of the connection
	read int64 // when it was read; the difference to came is this test's own lag
	text []byte
	need int  // bytes of the complete answer; 0 = not known yet
	over bool // the server has closed the connection after its answer, as announced
	err  error
}

const (
	burstEvents = 512
	answerHead  = "\r\n\r\n"
	lengthField = "\r\nContent-Length: "
)

// newBurst connects the clients, one after another. They are closed when the test ends.
func newBurst(t *testing.T, to netip.AddrPort, n int) *burst {
	t.Helper()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	b := &burst{epoll: epoll}
	t.Cleanup(b.close)
	for i := range n {
		if err := b.connect(to); err != nil {
			t.Fatalf("client %d of %d: %v", i+1, n, err)
		}
	}
	return b
}

func (b *burst) connect(to netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	b.clients = append(b.clients, &burstClient{fd: fd})
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(b.clients) - 1)}
	return errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}), // a reset, so that no port stays in use
		dial(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}),
		unix.EpollCtl(b.epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

func dial(fd int, to unix.Sockaddr) error {
	err := unix.Connect(fd, to)
	if !errors.Is(err, unix.EINPROGRESS) && !errors.Is(err, unix.EINTR) {
		return err
	}
	if err := writable(fd); err != nil {
		return err
	}
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	return err
}

// writable waits until the kernel accepts bytes or reports an error, for 10 s at most.
func writable(fd int) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 1000)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return unix.ETIMEDOUT
}

// close ends all connections at once. It may be called again.
func (b *burst) close() {
	for _, c := range b.clients {
		unix.Close(c.fd)
	}
	if b.clients != nil {
		unix.Close(b.epoll)
	}
	b.clients = nil
}

// ask makes every client send a request, one right after another, and waits until all are answered or the time is up.
// request returns the bytes of the i-th request, which are sent before the next call.
func (b *burst) ask(request func(i int) []byte, within time.Duration) {
	open := 0
	for i, c := range b.clients {
		*c = burstClient{fd: c.fd, text: c.text[:0]}
		if c.send(request(i)); c.err == nil {
			open++
		}
	}
	events := make([]unix.EpollEvent, burstEvents)
	for end := time.Now().Add(within); open > 0 && time.Now().Before(end); {
		n, err := unix.EpollWait(b.epoll, events, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			break
		}
		for _, event := range events[:max(n, 0)] {
			c := b.clients[event.Fd]
			if c.take() {
				open--
			}
			if c.err != nil || c.over {
				_ = unix.EpollCtl(b.epoll, unix.EPOLL_CTL_DEL, c.fd, nil) // otherwise epoll would report it for ever
			}
		}
	}
	for _, c := range b.clients {
		if c.err == nil && c.read == 0 {
			c.err = fmt.Errorf("no answer within %v", within)
		}
	}
}

func (c *burstClient) send(request []byte) {
	c.sent = time.Now().UnixNano()
	for len(request) > 0 && c.err == nil {
		n, err := unix.Write(c.fd, request)
		switch {
		case errors.Is(err, unix.EAGAIN):
			c.err = writable(c.fd)
		case !errors.Is(err, unix.EINTR):
			c.err = err
		}
		request = request[max(n, 0):]
	}
}

// take reads available bytes, and reports whether that ends the wait: the answer is complete, or there will be none.
func (c *burstClient) take() (over bool) {
	if c.read != 0 {
		c.takeEnd()
		return false
	}
	c.text = slices.Grow(c.text, 16<<10)
	var stamp [64]byte
	n, control, _, _, err := unix.Recvmsg(c.fd, c.text[len(c.text):cap(c.text)], stamp[:], unix.MSG_DONTWAIT)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return false
	case err != nil:
		c.err = err
		return true
	case n == 0:
		c.err = fmt.Errorf("the connection ended after %d bytes of an answer", len(c.text))
		return true
	}
	c.text = c.text[:len(c.text)+n]
	now := time.Now().UnixNano()
	if c.came = now; control >= unix.SizeofCmsghdr+16 {
		at := stamp[unix.SizeofCmsghdr:]
		c.came = int64(binary.NativeEndian.Uint64(at))*1e9 + int64(binary.NativeEndian.Uint64(at[8:]))
	}
	if !c.whole() {
		return false
	}
	c.read = now
	return true
}

// takeEnd reads what follows the answer: the end of the connection if the answer announces it, and no bytes.
func (c *burstClient) takeEnd() {
	var next [1]byte
	n, _, err := unix.Recvfrom(c.fd, next[:], unix.MSG_DONTWAIT)
	switch head, _, _ := bytes.Cut(c.text, []byte(answerHead)); {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
	case err == nil && n == 0 && bytes.Contains(head, []byte("\r\nConnection: close")):
		c.over = true
	default:
		c.err = fmt.Errorf("%d bytes or an unannounced end after the answer: %w", n, err)
	}
}

// whole reports whether the complete answer has arrived.
func (c *burstClient) whole() bool {
	if c.need == 0 {
		head := bytes.Index(c.text, []byte(answerHead))
		if head < 0 {
			return false
		}
		_, rest, _ := bytes.Cut(c.text[:head+2], []byte(lengthField))
		digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
		length, err := strconv.Atoi(string(digits))
		if err != nil {
			c.err = errors.New("an answer without Content-Length")
			return true
		}
		c.need = head + len(answerHead) + length
	}
	return len(c.text) >= c.need
}

func (c *burstClient) took() time.Duration { return time.Duration(c.came - c.sent) }

func (c *burstClient) lag() time.Duration { return time.Duration(c.read - c.came) }
