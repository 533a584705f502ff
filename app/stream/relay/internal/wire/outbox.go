package wire

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"

	"studysharper/app/study"
)

// ReadHello reads a connection's first frame, which must be a hello of this version.
func ReadHello(r *bufio.Reader) (Frame, error) {
	kind, body, err := Read(r, Slack)
	if err != nil {
		return Frame{}, err
	}
	hello, _, err := Parse(kind, body)
	switch {
	case err != nil:
		return Frame{}, err
	case kind != KindHello:
		return Frame{}, study.Errorf(study.CodeMalformed, "the relay's first frame is not a hello")
	case hello.Version != Version:
		return Frame{}, study.Errorf(study.CodeUnsupported, "the relay uses protocol version %d, not %d", hello.Version, Version)
	}
	return hello, nil
}

// Outbox is the outgoing side of a connection. Any goroutine may add frames; one goroutine
// sends all queued frames with one Write.
type Outbox struct {
	conn  net.Conn
	bound int
	stall time.Duration
	more  func(dst []byte) []byte
	work  chan struct{} // has a token when there is something to do

	mu      sync.Mutex
	queued  []byte
	writing int // bytes in the Write under way
	closed  bool
	room    chan struct{} // closed when a Write is done; nil = nothing waits for it
}

// NewOutbox returns the outgoing side of conn. While bound bytes or more are queued, Admit
// waits; at 16 times bound, conn is closed. A Write that takes longer than stall is an
// error. Run calls more, if it is not nil, before each Write to append whatever else there
// is to send.
func NewOutbox(conn net.Conn, bound int, stall time.Duration, more func(dst []byte) []byte) *Outbox {
	return &Outbox{conn: conn, bound: bound, stall: stall, more: more, work: make(chan struct{}, 1)}
}

// Signal makes Run look for something to send.
func (o *Outbox) Signal() {
	select {
	case o.work <- struct{}{}:
	default:
	}
}

// Put adds a frame that cannot wait. It never blocks. After Close it does nothing.
func (o *Outbox) Put(f *Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.queued = f.AppendTo(o.queued)
	if len(o.queued)+o.writing > 16*o.bound {
		o.closed, o.queued = true, nil
		_ = o.conn.Close()
	}
	o.Signal()
}

// Admit adds a frame as soon as there is room; if f is nil, it only waits for room.
func (o *Outbox) Admit(ctx context.Context, f *Frame) error {
	for {
		room, err := o.tryAdmit(f)
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return study.Wrap(context.Cause(ctx), study.CodeUnavailable, "the wait for room in the send queue was ended")
		}
	}
}

// tryAdmit adds the frame, or returns a channel to wait on. An empty outbox accepts any frame.
func (o *Outbox) tryAdmit(f *Frame) (wait chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	waiting := len(o.queued) + o.writing
	switch {
	case o.closed:
		return nil, study.Errorf(study.CodeUnavailable, "the connection to the journal has ended")
	case waiting > 0 && waiting+f.size() > o.bound:
		if o.room == nil {
			o.room = make(chan struct{})
		}
		return o.room, nil
	case f != nil:
		o.queued = f.AppendTo(o.queued)
		o.Signal()
	}
	return nil, nil
}

// size is approximately the encoded size of a frame.
func (f *Frame) size() int {
	if f == nil {
		return 0
	}
	return len(f.Event.Fields) + len(f.Request) + headBytes
}

// Close makes Run send what is queued and then return. Nothing can be added after it.
func (o *Outbox) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.makeRoom()
	o.Signal()
}

// makeRoom wakes the callers that wait for room. The lock must be held.
func (o *Outbox) makeRoom() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// Run sends until Close or the first error.
func (o *Outbox) Run() error {
	var spare []byte
	for range o.work {
		o.mu.Lock()
		batch, closed := o.queued, o.closed
		o.queued, o.writing = spare[:0], len(batch)
		o.mu.Unlock()
		if o.more != nil && !closed {
			batch = o.more(batch)
		}
		err := o.send(batch)
		if err != nil || closed {
			return err
		}
		if spare = batch; cap(batch) > 2*o.bound || outgrown(batch) {
			spare = nil
		}
	}
	return nil
}

const (
	smallSpare = 64 << 10 // a buffer of up to this many bytes is always kept
	wideSpare  = 8        // a larger one is kept up to this many times what was written
)

// outgrown reports whether a buffer was sized for a burst that is over.
func outgrown(batch []byte) bool { return cap(batch) > max(smallSpare, wideSpare*len(batch)) }

func (o *Outbox) send(batch []byte) (err error) {
	if len(batch) > 0 {
		_ = o.conn.SetWriteDeadline(time.Now().Add(o.stall))
		_, err = o.conn.Write(batch)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = 0
	if err != nil {
		o.closed, o.queued = true, nil
	}
	o.makeRoom()
	return err
}
