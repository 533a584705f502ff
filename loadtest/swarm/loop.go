package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/stream/eventstream"
)

const (
	readSize = 64 << 10
	batch    = 256 // events per epoll_wait
)

// loop reads its share of the streams on one goroutine. Only that goroutine opens and
// closes their connections, so a descriptor refers to the same connection throughout a
// batch.
type loop struct {
	swarm *Swarm
	epoll int
	bell  int // an eventfd that signals requests of other goroutines
	ended chan struct{}

	asked struct { // requests by other goroutines
		mu   sync.Mutex
		work []func()
		stop bool
	}

	mu      sync.Mutex // guards the streams' states
	queue   []*Stream  // streams to be opened
	opening int
	byFD    []*Stream
	buf     []byte
}

func newLoop(s *Swarm) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(bell)}) //nolint:gosec // a descriptor
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(epoll))
	}
	return &loop{swarm: s, epoll: epoll, bell: bell, ended: make(chan struct{}), buf: make([]byte, readSize)}, nil
}

// do queues work for the loop's goroutine, which runs it with the lock held. The call returns at once.
func (l *loop) do(work func()) {
	l.asked.mu.Lock()
	l.asked.work = append(l.asked.work, work)
	l.asked.mu.Unlock()
	l.ring()
}

// ring wakes the loop. If the eventfd's counter is full, the loop is being woken already.
func (l *loop) ring() { _, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// close ends the loop and its connections.
func (l *loop) close() error {
	l.asked.mu.Lock()
	l.asked.stop = true
	l.asked.mu.Unlock()
	l.ring()
	<-l.ended
	return errors.Join(unix.Close(l.bell), unix.Close(l.epoll))
}

func (l *loop) run() {
	defer close(l.ended)
	events := make([]unix.EpollEvent, batch)
	for l.work() {
		n, err := unix.EpollWait(l.epoll, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("swarm: epoll_wait: %v", err)) // only a bug in this package can be the cause
		}
		l.mu.Lock()
		for _, e := range events[:max(n, 0)] {
			l.ready(int(e.Fd))
		}
		l.mu.Unlock()
		if n > 0 && n < batch && l.swarm.o.Gather > 0 {
			time.Sleep(l.swarm.o.Gather)
		}
	}
}

// work does the queued work, and opens streams as far as allowed. It returns false if the loop must end.
func (l *loop) work() bool {
	l.asked.mu.Lock()
	work, stop := l.asked.work, l.asked.stop
	l.asked.work = nil
	l.asked.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, do := range work {
		do()
	}
	if stop {
		for _, st := range l.byFD {
			if st != nil {
				l.drop(st)
			}
		}
		return false
	}
	for len(l.queue) > 0 && l.opening < l.swarm.o.Opening {
		st := l.queue[0]
		l.queue = l.queue[1:]
		if st.phase == closed {
			l.connect(st)
		}
	}
	return true
}

// connect starts opening a stream.
func (l *loop) connect(st *Stream) {
	st.state.Status, st.state.RetryAfter, st.state.Err, st.state.Terminal = 0, "", nil, ""
	st.state.Answered, st.state.First = time.Time{}, time.Time{}
	st.state.Began, st.head, st.rest, st.parser = time.Now(), 0, nil, nil
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.broke(st, fmt.Errorf("socket: %w", err))
		return
	}
	st.fd, st.phase = fd, connecting
	l.opening++
	for len(l.byFD) <= fd {
		l.byFD = append(l.byFD, nil)
	}
	l.byFD[fd] = st
	if n := st.o.ReceiveBuffer; n > 0 {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, n)
	}
	if err == nil {
		to := l.swarm.o.Address
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	if err == nil || errors.Is(err, unix.EINPROGRESS) {
		err = l.watch(unix.EPOLL_CTL_ADD, fd, unix.EPOLLOUT)
	}
	if err != nil {
		l.broke(st, fmt.Errorf("connect: %w", err))
	}
}

func (l *loop) watch(op, fd int, events uint32) error {
	return unix.EpollCtl(l.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}) //nolint:gosec // a descriptor
}

// ready handles a descriptor that is ready.
func (l *loop) ready(fd int) {
	if fd == l.bell {
		var rings [8]byte
		_, _ = unix.Read(fd, rings[:]) // the count is not needed
		return
	}
	st := l.byFD[fd]
	if st == nil {
		return // closed earlier in this batch
	}
	var err error
	switch st.phase {
	case connecting:
		err = l.connected(st)
	case asking:
		err = l.ask(st)
	case waiting, reading:
		if st.o.Stuck { // its answer has arrived, and is left unread
			l.opening--
			st.phase = stuck
			err = l.watch(unix.EPOLL_CTL_DEL, st.fd, 0)
			break
		}
		err = l.read(st)
	}
	if err != nil {
		l.broke(st, err)
	}
}

func (l *loop) connected(st *Stream) error {
	code, err := unix.GetsockoptInt(st.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code) //nolint:gosec // an errno
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	local, err := unix.Getsockname(st.fd)
	if err != nil {
		return fmt.Errorf("getsockname: %w", err)
	}
	if in4, ok := local.(*unix.SockaddrInet4); ok {
		st.state.Port = in4.Port
	}
	st.phase = asking
	return l.ask(st)
}

// ask sends the rest of the request.
func (l *loop) ask(st *Stream) error {
	request := st.request(l.swarm.o)
	n, err := unix.Write(st.fd, request[st.head:])
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if st.head += n; st.head < len(request) {
		return nil
	}
	st.phase = waiting
	return l.watch(unix.EPOLL_CTL_MOD, st.fd, unix.EPOLLIN)
}

// read reads available input once: a stream with more input is reported as ready again.
func (l *loop) read(st *Stream) error {
	n, err := unix.Read(st.fd, l.buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("receive: %w", err)
	case n == 0 && st.state.Terminal != "":
		l.swarm.counts.ended.Add(1)
		l.left(st)
		return nil
	case n == 0:
		return io.ErrUnexpectedEOF
	}
	return l.received(st, l.buf[:n], time.Now())
}

// received parses bytes of a head or of events.
func (l *loop) received(st *Stream, b []byte, now time.Time) error {
	if st.phase == waiting {
		st.rest = append(st.rest, b...)
		end := bytes.Index(st.rest, []byte("\r\n\r\n"))
		if end < 0 {
			if len(st.rest) > maxHead {
				return fmt.Errorf("%w: a head of more than %d bytes", ErrNoStream, maxHead)
			}
			return nil
		}
		b = st.rest[end+4:]
		if err := l.answered(st, string(st.rest[:end+2]), now); err != nil || st.phase == closed {
			return err
		}
		st.rest = nil
	}
	if len(b) == 0 {
		return nil
	}
	if st.parser == nil {
		st.parser = &eventstream.Parser{}
	}
	for {
		e, rest, ok, err := st.parser.Next(b, limits)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		l.event(st, e, now)
		b = rest
	}
	if retry, ok := st.parser.Retry(); ok && retry > 0 {
		st.state.Retry = retry
	}
	return nil
}
