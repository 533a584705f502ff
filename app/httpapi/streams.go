package httpapi

import (
	"context"
	"net"
	"sync"
	"time"

	"studysharper/app/stream"
)

// streams knows a worker's open streams, so that they can be ended together.
type streams struct {
	mu    sync.Mutex
	open  map[*openStream]struct{}
	over  handOver      // not nil: the worker leaves, and gives them so
	ended error         // why no stream is to go on here
	empty chan struct{} // not nil: closed when none is open
}

// openStream is one stream; its context ends when it is not to go on here.
type openStream struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	since  time.Time

	adopted bool // taken over from another worker, headers and all
}

func newStreams() *streams { return &streams{open: map[*openStream]struct{}{}} }

// begin takes a stream in, before its connection leaves the server's hands; remove
// is owed. Where the worker goes, the stream ends at once, as the others did.
func (s *streams) begin() *openStream {
	o := &openStream{since: time.Now()}
	o.ctx, o.cancel = context.WithCancelCause(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[o] = struct{}{}
	if s.ended != nil {
		o.cancel(s.ended)
	}
	return o
}

func (s *streams) remove(o *openStream) {
	o.cancel(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, o)
	if s.empty != nil && len(s.open) == 0 {
		close(s.empty)
		s.empty = nil
	}
}

// cancel ends every stream at an event's boundary, and gives a channel that is
// closed when none is open.
func (s *streams) cancel(why error) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = why
	for o := range s.open {
		o.cancel(why)
	}
	empty := make(chan struct{})
	if len(s.open) == 0 {
		close(empty)
		return empty
	}
	s.empty = empty
	return empty
}

// end ends every stream and waits until they are closed, or ctx ends; each is
// bounded by its write deadline too.
func (s *streams) end(ctx context.Context, why error) error {
	select {
	case <-s.cancel(why):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// handTo ends every stream here and begins to give them to over.
func (s *streams) handTo(over handOver) {
	s.mu.Lock()
	s.over = over
	s.mu.Unlock()
	s.cancel(errServerLeaves)
}

// handOver gives a stream away that has ended here. Where that fails, its client
// comes back by itself: the stream began with the time to wait.
func (s *streams) handOver(conn net.Conn, q stream.Query) {
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if tcp, ok := conn.(*net.TCPConn); ok && over != nil {
		_ = over(tcp, q.Session, q.After.String())
	}
}

// oldest is when the oldest open stream began, in Unix nanoseconds; 0 = none is open.
func (s *streams) oldest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest int64
	for o := range s.open {
		if at := o.since.UnixNano(); oldest == 0 || at < oldest {
			oldest = at
		}
	}
	return oldest
}
