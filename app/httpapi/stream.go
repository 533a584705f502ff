package httpapi

import (
	"errors"
	"net"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/metrics"
	"studysharper/app/stream"
	"studysharper/app/stream/hub"
	"studysharper/app/study"
)

// stream answers GET /api/ai/stream/{session}: the session's events from the
// newest run's first, or from behind the client's Last-Event-ID, until the run
// ends. 204 tells a client that has seen that end to stop asking. A session nobody has
// posted to is the asking user's from here on: another's run in it ends the stream.
func (s *Server) stream(c *fiber.Ctx) error {
	session, err := idParam(c, "session")
	if err != nil {
		return err
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	if err := s.admitStream(); err != nil {
		return err
	}
	q := stream.Query{Session: session, After: lastEventID(c), Owner: user}
	peek := q
	peek.Peek = true
	found, err := s.o.Journal.Since(s.lifetime, peek)
	if err == nil && found.Next == (study.Position{}) { // nobody has posted to it lately
		if err = s.stored(c, user, session); errors.Is(err, errNoSession) {
			err = nil
		}
	}
	switch {
	case err != nil:
		s.o.Streams.Release()
		return err
	case found.Ended:
		s.o.Streams.Release()
		return c.SendStatus(fiber.StatusNoContent)
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

// admitStream takes a stream's place, over all workers, before it is known whether
// there is one: of two that ask for the last one, at most one is let in.
func (s *Server) admitStream() error {
	if s.stopping.Load() {
		return study.Errorf(study.CodeUnavailable, "the service is stopping")
	}
	if !s.o.Gate.Admit(s.lifetime, s.reserveStream) {
		s.o.Own.Add(metrics.StreamsShed, 1)
		return study.Errorf(study.CodeOverloaded, "too many open event streams")
	}
	return nil
}

// reserveStream takes a stream's place in the container, if there is one.
func (s *Server) reserveStream() bool {
	s.o.Streams.Reserve()
	if s.o.Board.Sum(metrics.Streams) > int64(s.o.MaxStreams) {
		s.o.Streams.Release()
		return false
	}
	return true
}

// hijack takes the connection out of the server's hands, and out of the runtime's:
// the hub has its descriptor, and nothing else of it stays.
func (s *Server) hijack(c *fiber.Ctx, q stream.Query) {
	ctx := c.Context()
	h := &ctx.Response.Header
	h.SetContentType("text/event-stream")
	h.Set(fiber.HeaderCacheControl, "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.SetContentLength(-2) // neither length nor chunks: the end of the connection ends the body
	h.SetConnectionClose()
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(conn net.Conn) {
		defer func() { _ = conn.Close() }() // the descriptor's duplicate lives on
		fd, err := duplicate(rawConn(conn))
		if err != nil {
			s.o.Log.Warn("an event stream cannot be opened", "error", err)
			s.o.Streams.Release()
			return
		}
		s.o.Streams.Serve(hub.Stream{FD: fd, Head: h.Header(), Query: q})
	})
}

// rawConn is the connection below fasthttp's wrapper and ours.
func rawConn(wrapped net.Conn) net.Conn {
	if hijacked, ok := wrapped.(interface{ UnsafeConn() net.Conn }); ok {
		wrapped = hijacked.UnsafeConn()
	}
	if c, ok := wrapped.(*conn); ok {
		return c.TCPConn
	}
	return wrapped
}

// Publish puts on the page what only the server knows: how old its oldest stream
// and its oldest request are.
func (s *Server) Publish(p *metrics.Page) {
	p.Set(metrics.OldestStream, s.o.Streams.Oldest())
	p.Set(metrics.OldestStart, s.inFlight.oldest())
}

func (s *Server) streamStatus(c *fiber.Ctx) error {
	open := s.o.Board.Sum(metrics.Streams)
	if s.o.Gate != nil {
		open = max(open, s.o.Gate.Total())
	}
	return c.JSON(fiber.Map{"active_connections": open, "status": "operational"})
}

// deleteSession ends a session: its streams, its journal, its stored conversation.
func (s *Server) deleteSession(c *fiber.Ctx) error {
	session, err := idParam(c, "session")
	if err != nil {
		return err
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	if err := s.mine(c, user, session); err != nil {
		return err
	}
	stored := s.o.Store.DeleteSession(s.context(c), session)
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
