package httpapi

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/metrics"
	"studysharper/app/stream"
	"studysharper/app/study"
)

const (
	// pendingFor is how long a session that nobody has posted to is held open.
	pendingFor = 60 * time.Second
	// writeWait is how long one write to a reader may take before it is given up.
	writeWait = 10 * time.Second
	// sendBuffer bounds what the kernel keeps for a reader that does not read.
	sendBuffer = 16 << 10
	// adoptedHead is what a stream taken over begins with: a comment, because nobody
	// knows how long its client has heard nothing. Where workers are recycled more
	// often than SSE_KEEPALIVE, the silence would begin anew with each of them.
	adoptedHead = ": keepalive\n\n"
)

var (
	errServerStops  = errors.New("the service stops")
	errServerLeaves = errors.New("the worker leaves")
)

// stream answers GET /api/ai/stream/{session}: the session's events from the
// newest run's first, or from behind the client's Last-Event-ID, until the run
// ends. 204 tells a client that has seen that end to stop asking.
func (s *Server) stream(c *fiber.Ctx) error {
	session, err := idParam(c, "session")
	if err != nil {
		return err
	}
	q := stream.Query{Session: session, After: lastEventID(c)}
	peek := q
	peek.NoWait = true
	batch, err := s.o.Journal.Since(s.lifetime, peek)
	if err != nil {
		return err
	}
	if batch.Ended && len(batch.Events) == 0 && batch.Missed == 0 {
		return c.SendStatus(fiber.StatusNoContent)
	}
	if err := s.admitStream(); err != nil {
		return err
	}
	s.hijack(c, q)
	return nil
}

// lastEventID is where the client says it is. What is no position of ours stands
// for one of another life of the journal: the stream begins with a gap.
func lastEventID(c *fiber.Ctx) study.Position {
	given := c.Get("Last-Event-ID")
	if given == "" {
		given = c.Query("last_event_id")
	}
	if given == "" {
		return study.Position{}
	}
	p, err := study.ParsePosition(given)
	if err != nil || p.Epoch == 0 {
		return study.Position{Epoch: 1, Seq: 1}
	}
	return p
}

func (s *Server) admitStream() error {
	if s.stopping.Load() {
		return study.Errorf(study.CodeUnavailable, "the service is stopping")
	}
	if s.o.Board.Sum(metrics.Streams) >= int64(s.o.MaxStreams) {
		s.o.Own.Add(metrics.StreamsShed, 1)
		return study.Errorf(study.CodeOverloaded, "too many open event streams")
	}
	return nil
}

// hijack takes the connection out of the server's hands: what follows the headers
// costs one goroutine for writing and one that sees the client leave.
func (s *Server) hijack(c *fiber.Ctx, q stream.Query) {
	ctx := c.Context()
	h := &ctx.Response.Header
	h.SetContentType("text/event-stream")
	h.Set(fiber.HeaderCacheControl, "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.SetContentLength(-2) // neither length nor chunks: the end of the connection ends the body
	h.SetConnectionClose()
	ctx.HijackSetNoResponse(true)
	open := s.streams.begin()
	ctx.Hijack(func(conn net.Conn) {
		head := append([]byte(nil), h.Header()...)
		go s.follow(rawConn(conn), head, q, open)
	})
}

// rawConn is the connection below fasthttp's wrapper, which would keep the
// request's buffers alive as long as the stream.
func rawConn(wrapped net.Conn) net.Conn {
	if hijacked, ok := wrapped.(interface{ UnsafeConn() net.Conn }); ok {
		wrapped = hijacked.UnsafeConn()
	}
	if c, ok := wrapped.(*conn); ok {
		return c.TCPConn
	}
	return wrapped
}

// follow writes one stream behind its head, and closes its connection or hands it over.
func (s *Server) follow(conn net.Conn, head []byte, q stream.Query, open *openStream) {
	defer s.streams.remove(open)
	defer func() { _ = conn.Close() }()
	s.o.Own.Shift(metrics.Streams, 1)
	defer s.o.Own.Shift(metrics.Streams, -1)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
	watched := make(chan struct{})
	go func() { defer close(watched); watch(conn, open.cancel) }()
	w := &patientWriter{conn: conn}
	if _, err := w.Write(head); err != nil {
		return
	}
	err := stream.Follow(open.ctx, s.o.Journal, q, stream.FollowOptions{
		Resumed: open.adopted, Written: func(p study.Position) { q.After = p },
		Keepalive: s.o.Keepalive, PendingFor: pendingFor, Stale: s.o.StaleAfter}, w)
	if errors.Is(context.Cause(open.ctx), errServerLeaves) {
		_ = conn.SetReadDeadline(longAgo)
		<-watched
		s.streams.handOver(conn, q)
		return
	}
	if err != nil && open.ctx.Err() == nil {
		s.o.Log.Debug("an event stream ended early", "error", err)
	}
}

// watch reads what no client sends until the client is gone.
func watch(conn net.Conn, gone context.CancelCauseFunc) {
	var buf [64]byte
	for {
		if _, err := conn.Read(buf[:]); err != nil {
			gone(err)
			return
		}
	}
}

// patientWriter gives every write a deadline of its own.
type patientWriter struct{ conn net.Conn }

func (w *patientWriter) Write(p []byte) (int, error) {
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return 0, err
	}
	return w.conn.Write(p)
}

// Publish puts on the page what only the server knows: how old its oldest stream
// and its oldest request are.
func (s *Server) Publish(p *metrics.Page) {
	p.Set(metrics.OldestStream, s.streams.oldest())
	p.Set(metrics.OldestStart, s.inFlight.oldest())
}

func (s *Server) streamStatus(c *fiber.Ctx) error {
	return c.JSON(fiber.Map{"active_connections": s.o.Board.Sum(metrics.Streams), "status": "operational"})
}

// deleteSession ends a session: its streams, its journal, its stored conversation.
func (s *Server) deleteSession(c *fiber.Ctx) error {
	session, err := idParam(c, "session")
	if err != nil {
		return err
	}
	stored := s.o.Store.DeleteSession(s.lifetime, session)
	dropped := s.o.Journal.Drop(s.lifetime, session)
	if err := unlessFound(stored, dropped); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// unlessFound joins what two places say of one thing: it is not found only when
// neither had it.
func unlessFound(a, b error) error {
	missing := func(err error) bool { return err != nil && study.AsError(err).Code == study.CodeNotFound }
	switch {
	case missing(a):
		return b
	case missing(b):
		return a
	default:
		return errors.Join(a, b)
	}
}
