package swarm

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/stream/eventstream"
)

// answered parses a response's head. If the response is not a stream, its connection is
// closed: only the status matters.
func (l *loop) answered(st *Stream, head string, now time.Time) error {
	r, err := parseHead(head)
	st.state.Status, st.state.RetryAfter, st.state.Answered = r.status, r.retryAfter, now
	switch {
	case err != nil:
		return err
	case r.status != 200:
		l.swarm.counts.refused.Add(1)
		l.left(st)
		return nil
	}
	l.opening--
	st.phase = reading
	l.swarm.counts.opened.Add(1)
	l.swarm.counts.open.Add(1)
	if l.swarm.o.Opened != nil {
		l.swarm.o.Opened(st, st.state)
	}
	return nil
}

// event counts one event and passes it on.
func (l *loop) event(st *Stream, parsed eventstream.Event, now time.Time) {
	e := Event{ID: parsed.ID, Data: parsed.Data, At: now}
	e.read()
	st.take(e, &l.swarm.counts)
	if l.swarm.o.Took != nil {
		l.swarm.o.Took(st, e)
	}
}

// broke ends a stream that failed.
func (l *loop) broke(st *Stream, err error) {
	st.state.Err = err
	if st.phase == reading {
		l.swarm.counts.broken.Add(1)
	} else {
		l.swarm.counts.failed.Add(1)
	}
	l.left(st)
}

// left drops a stream that was not cut by its client, and reports it.
func (l *loop) left(st *Stream) {
	state := st.state
	l.drop(st)
	if l.swarm.o.Left != nil {
		l.swarm.o.Left(st, state)
	}
}

// cut ends a stream from the client's side. A stream waiting to be opened is removed from the queue.
func (l *loop) cut(st *Stream, how How) {
	for i, waiting := range l.queue {
		if waiting == st {
			l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
			break
		}
	}
	if st.fd < 0 {
		return
	}
	if how == RST {
		// If it cannot be set, the connection ends with a FIN.
		_ = unix.SetsockoptLinger(st.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	} else {
		l.drain(st.fd)
	}
	l.drop(st)
}

// drain discards received bytes: closing a socket with unread bytes would send a reset.
func (l *loop) drain(fd int) {
	for {
		n, err := unix.Read(fd, l.buf)
		if n <= 0 && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// drop closes a stream's connection and discards unfinished input.
func (l *loop) drop(st *Stream) {
	switch st.phase {
	case connecting, asking, waiting:
		l.opening--
	case reading:
		l.swarm.counts.open.Add(-1)
	}
	if st.fd >= 0 {
		l.byFD[st.fd] = nil
		_ = unix.Close(st.fd) // an error cannot be handled
	}
	st.fd, st.phase, st.rest, st.state.Port = -1, closed, nil, 0
}
