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

// stream answers GET /api/ai/stream/{session} with the session's events until the run ends. It begins with the newest
// run's first event, or after the client's Last-Event-ID; with ?run_id= it sends only that run's events. Status 204
// tells a client that has seen the end to stop asking. A session that has had no requests belongs to this user from now
// on: another user's run in it ends the stream.
func (s *Server) stream(c *fiber.Ctx) error {
	session, err := idParam(c, "session")
	if err != nil {
		return err
	}
	run, err := runParam(c)
	if err != nil {
		return err
	}
	seen := lastEventID(c)
	if seen.Epoch == 0 {
		seen.Position = study.Position{} // the client saw the end of a stream without runs
	}
	user, err := userOf(c, query(c, "user_id"))
	if err != nil {
		return err
	}
	q := stream.Query{Session: session, Run: run, After: seen.Position, Owner: user}
	if c.Method() == fiber.MethodHead {
		return s.streamHead(c, q, seen)
	}
	place, err := s.admitStream(c)
	if err != nil {
		c.Response().SetConnectionClose() // the client does not need the connection without a stream, and other clients do
		return err
	}
	over, err := s.isOver(c, &q, seen)
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

// streamHead answers HEAD like GET, but opens no stream (RFC 9110, section 9.3.2).
func (s *Server) streamHead(c *fiber.Ctx, q stream.Query, seen study.EventID) error {
	over, err := s.isOver(c, &q, seen)
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

// isOver reports whether a client has seen everything. A client that has seen the end of a stream has, unless the
// session has a newer run; a journal that no longer has that stream has nothing more for it. If the journal has lost
// the run, q continues in the run's record, and for a newer run in the journal that has it.
func (s *Server) isOver(c *fiber.Ctx, q *stream.Query, seen study.EventID) (bool, error) {
	peek := *q
	peek.Peek = true
	if seen.Run != "" && q.After.Epoch == record.Epoch {
		peek.After = study.Position{} // the client needs nothing more of that run from the record
	}
	found, err := s.o.Record.Since(s.lifetime, peek)
	newer := seen.Last && err == nil && seen.Run != "" && found.Run > seen.Run                          // run ids are UUIDs of version 7
	if err == nil && (found.Next.Epoch == record.Epoch || newer && found.Next.Epoch != q.After.Epoch) { // a gap event would report nothing
		q.After = found.Next
	}
	unknown := err == nil && found.Next == study.Position{}
	switch {
	case newer:
		return false, nil
	case seen.Last && (unknown || err != nil && study.AsError(err).Code == study.CodeNotFound):
		return true, nil
	case unknown: // it has had no recent requests; the store may have older ones
		if err = s.stored(c, q.Owner, q.Session); errors.Is(err, errNoSession) {
			err = nil
		}
	}
	return found.Ended || seen.Last && (found.Missed > 0 || found.Run != "" && found.Run == seen.Run), err
}

// runParam returns the run that the client asks for; "" = any of the session's.
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

// lastEventID returns the last event that the client has. Anything that is not one of our event ids is treated as a
// position in an earlier journal: the stream begins with a gap.
func lastEventID(c *fiber.Ctx) study.EventID {
	given := cmp.Or(c.Get("Last-Event-ID"), c.Query("last_event_id"))
	if given == "" {
		return study.EventID{}
	}
	seen, err := study.ParseEventID(strings.Clone(given)) // Fiber reuses the request
	if err != nil || seen.Epoch == 0 && !seen.Last {
		return study.EventID{Position: study.Position{Epoch: 1, Seq: 1}}
	}
	return seen
}

// detach passes the connection to the hub.
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
