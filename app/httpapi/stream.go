package httpapi

import (
	"cmp"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/metrics"
	"studysharper/app/stream"
	"studysharper/app/stream/hub"
	"studysharper/app/stream/record"
	"studysharper/app/study"
)

// stream answers GET /api/ai/stream/{session}: the session's events, from the newest run's first or from behind the
// client's Last-Event-ID, until the run ends; with ?run_id= those of that run only. 204 tells a client that has seen the
// end to stop asking. A session nobody has posted to belongs to this user from here on: another user's run in it ends the
// stream.
func (s *Server) stream(c *fiber.Ctx) error {
	session, err := idParam(c, "session")
	if err != nil {
		return err
	}
	run, err := runParam(c)
	if err != nil {
		return err
	}
	at, last := lastEventID(c)
	if at.Epoch == 0 {
		at = study.Position{} // the client saw the end of a stream in which nobody had posted
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	q := stream.Query{Session: session, Run: run, After: at, Owner: user}
	if c.Method() == fiber.MethodHead {
		return s.streamHead(c, q, last)
	}
	place, err := s.admitStream(c)
	if err != nil {
		c.Response().SetConnectionClose() // the client has no use for it without a stream, and others have
		return err
	}
	over, err := s.isOver(c, &q, last)
	if err != nil || over {
		s.releaseStream(place)
	}
	switch {
	case err != nil:
		c.Response().SetConnectionClose()
		return err
	case over:
		return c.SendStatus(fiber.StatusNoContent)
	}
	s.detach(c, q, place)
	return nil
}

// streamHead answers HEAD as GET would be answered, and opens nothing (RFC 9110, section 9.3.2).
func (s *Server) streamHead(c *fiber.Ctx, q stream.Query, last bool) error {
	over, err := s.isOver(c, &q, last)
	switch {
	case err != nil:
		return err
	case over:
		return c.SendStatus(fiber.StatusNoContent)
	}
	setStreamHeader(&c.Context().Response.Header)
	return nil
}

// setStreamHeader sets the headers of an event stream.
func setStreamHeader(h *fasthttp.ResponseHeader) {
	h.SetContentType("text/event-stream")
	h.Set(fiber.HeaderCacheControl, "no-cache, no-transform")
	h.Set("X-Accel-Buffering", "no")
	h.SetContentLength(-2) // neither length nor chunks: the end of the connection ends the body
	h.SetConnectionClose()
}

// isOver reports whether a client has seen everything. last: its event id says that it has seen the last event of a
// stream, so a journal that no longer knows that stream has nothing for it. Where the journal has lost the run, q
// continues in the run's record.
func (s *Server) isOver(c *fiber.Ctx, q *stream.Query, last bool) (bool, error) {
	peek := *q
	peek.Peek = true
	found, err := s.o.Record.Since(s.lifetime, peek)
	if err == nil && found.Next.Epoch == record.Epoch {
		q.After = found.Next
	}
	nobody := err == nil && found.Next == study.Position{}
	if last && (nobody || err != nil && study.AsError(err).Code == study.CodeNotFound) {
		return true, nil
	}
	if nobody { // has posted lately; the store knows of longer ago
		if err = s.stored(c, q.Owner, q.Session); errors.Is(err, errNoSession) {
			err = nil
		}
	}
	return found.Ended || last && found.Missed > 0, err
}

// runParam is the run that the client asks for; "" = any of the session's.
func runParam(c *fiber.Ctx) (string, error) {
	run := c.Query("run_id")
	if run == "" {
		return "", nil
	}
	if _, err := stream.ParseID("run", run); err != nil {
		return "", study.Invalid([]study.Fault{{Field: "run_id", Detail: "must be a UUID"}})
	}
	return strings.Clone(run), nil // Fiber reuses the request
}

// lastEventID is the client's position, and whether the event it saw last was the last one of a stream. Anything that
// is not a position of ours is taken for one of an earlier journal: the stream begins with a gap.
func lastEventID(c *fiber.Ctx) (at study.Position, last bool) {
	given := cmp.Or(c.Get("Last-Event-ID"), c.Query("last_event_id"))
	if given == "" {
		return study.Position{}, false
	}
	at, last, err := study.ParseEventID(given)
	switch {
	case err == nil && last:
		return at, true
	case err != nil || at.Epoch == 0:
		return study.Position{Epoch: 1, Seq: 1}, false
	}
	return at, false
}

// detach gives the connection to the hub.
func (s *Server) detach(c *fiber.Ctx, q stream.Query, place limit.Place) {
	h := &c.Context().Response.Header
	setStreamHeader(h)
	httpserver.Detach(c.Context(), func(fd int, err error) {
		if err != nil {
			s.o.Log.Warn("event stream open failed", "error", err)
			s.releaseStream(place)
			return
		}
		s.o.Streams.Serve(hub.Stream{FD: fd, Head: h.Header(), Query: q, Place: int32(place)})
	})
}

func (s *Server) streamStatus(c *fiber.Ctx) error {
	open := max(s.o.Board.Sum(metrics.Streams), s.o.Admission.Gate.Total())
	return c.JSON(fiber.Map{"active_connections": open, "status": "operational"})
}
