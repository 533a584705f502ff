package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sendBuffer limits what the kernel buffers for a client that does not read. The kernel
	// doubles it, to allow for its own bookkeeping (socket(7)): 16 kB.
	sendBuffer = 8 << 10
	// receiveBuffer limits what the kernel buffers of input, which no client has reason to send.
	receiveBuffer = 4 << 10
	// silentFor is how long sent data may stay unacknowledged (TCP_USER_TIMEOUT): a client
	// that vanished is noticed that long after the next comment or event.
	silentFor = 20 * time.Second
)

// epoll implements sockets with one edge-triggered epoll(7), which is itself registered
// with the runtime's poller, so that waiting occupies no thread.
type epoll struct {
	file *os.File
	fd   int
}

func openEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // otherwise the runtime would not poll it
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(fd))
	}
	return &epoll{os.NewFile(uintptr(fd), "epoll"), fd}, nil
}

func (e *epoll) add(fd int, generation int32) error {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silentFor.Milliseconds()))
	return unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd), Pad: generation, //nolint:gosec // a descriptor
	})
}

func (e *epoll) write(fd int, p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n, err := unix.Write(fd, p[sent:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return sent, nil
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return sent, err
		default:
			sent += n
		}
	}
	return sent, nil
}

// drain reads until nothing is left, or until a client has sent more than it may. A client
// that has closed its side is gone.
func (e *epoll) drain(fd int) (int, error) {
	var junk [4 << 10]byte
	for got := 0; ; {
		n, err := unix.Read(fd, junk[:])
		switch {
		case errors.Is(err, unix.EAGAIN), got > maxJunk:
			return got, nil
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return got, err
		case n == 0:
			return got, os.ErrClosed
		default:
			got += n
		}
	}
}

func (e *epoll) forget(fd int) { _ = unix.EpollCtl(e.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// close closes a socket. It first reads what the client has sent; otherwise the kernel
// would reset the connection and discard data that is still on its way to the client.
func (e *epoll) close(fd int) {
	_, _ = e.drain(fd)
	_ = unix.Close(fd)
}

func (e *epoll) run(ctx context.Context, h *Hub) error {
	defer func() { _ = e.file.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = e.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := e.file.SyscallConn()
	if err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 128)
	for {
		n, err := await(raw, events)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("epoll: %w", err)
		}
		h.locked(func(d *due) {
			for i := range n {
				h.happened(&events[i], d)
			}
		})
	}
}

// await waits for events without occupying a thread: the runtime's poller reports when there are any.
func await(raw syscall.RawConn, events []unix.EpollEvent) (n int, err error) {
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		for n, failed = -1, unix.EINTR; errors.Is(failed, unix.EINTR); {
			n, failed = unix.EpollWait(int(fd), events, 0)
		}
		return n != 0
	})
	return max(n, 0), errors.Join(err, failed)
}

// happened handles one event. The generation tells whether it belongs to a socket that has
// been closed since and whose descriptor was reused.
func (h *Hub) happened(e *unix.EpollEvent, d *due) {
	if int(e.Fd) >= len(h.clients) {
		return
	}
	c := h.clients[e.Fd]
	if c == nil || c.generation != e.Pad {
		return
	}
	if e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		h.remove(c, d)
		return
	}
	if e.Events&unix.EPOLLIN != 0 {
		h.onReadable(c, d)
	}
	if e.Events&unix.EPOLLOUT != 0 && h.isCurrent(c) {
		h.onWritable(c, d)
	}
}
