package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/metrics"
	"studysharper/app/study"
)

// Admission bounds what is done at once, and what one client may ask for.
type Admission struct {
	Limits     []limit.Policy // of process-stream, for each client; none = no limit
	Counter    limit.Counter  // counts for them and for wrong admin tokens; may be nil without Limits
	Calls      *limit.Runs    // bounds the runs that call a model; nil = nothing does
	Accounts   []limit.Policy // of new accounts, for each address; none = no limit
	Stored     limit.Policy   // bytes that each address may add, with accounts; a quota of 0 = no limit
	Runs       *limit.Places  // of each client, over all workers; nil = without a bound
	Streams    *limit.Places  // likewise
	Proxies    []netip.Prefix // whose X-Forwarded-For is believed
	Gate       limit.Gate     // counts the streams of all instances
	MaxStreams int            // event streams over all workers
	Turns      int            // requests of one address that this worker answers at a time, except runs, streams and uploads; 0 = no bound
	MaxLists   int            // lists that this worker makes at a time; at least one
}

// listTurn is how long a request waits for its turn to make a list.
const listTurn = 5 * time.Second

// roomForConnection refuses requests on a connection above httpserver.Room.Conns, except probes: they must tell the
// truth then too. Either way the connection is closed after the answer.
func (s *Server) roomForConnection(c *fiber.Ctx) error {
	if !httpserver.Crowded(c.Context()) {
		return c.Next()
	}
	c.Response().SetConnectionClose()
	if probe(c.Path()) {
		return c.Next()
	}
	return study.Errorf(study.CodeOverloaded, "too many open connections")
}

// roomForRun refuses a run that there is no room for, before its body is read.
func (s *Server) roomForRun(c *fiber.Ctx) error {
	if err := s.o.Runs.RejectIfFull(); err != nil {
		return err
	}
	return c.Next()
}

// roomForStream is roomForRun for a run that is limited: one that is refused at capacity counts against the limit of
// its client.
func (s *Server) roomForStream(c *fiber.Ctx) error {
	if err := s.o.Runs.RejectIfFull(); err != nil {
		return cmp.Or(s.allow(c), err)
	}
	if !httpserver.BodyArrived(c.Context()) { // otherwise allow says so soon enough
		if err := s.wouldAllow(c); err != nil {
			return err
		}
	}
	return c.Next()
}

// holdPlace takes a place for what a request's client is about to hold; it must be released. Above the client's bound it
// is CodeRateLimited, and the answer names the bound as it names other limits; when the container has no place,
// CodeOverloaded.
func (s *Server) holdPlace(c *fiber.Ctx, places *limit.Places, name, what string) (limit.Place, error) {
	place, err := places.Take(s.countedAs(c))
	switch {
	case errors.Is(err, limit.ErrClientFull):
		addLimit(c, fmt.Sprintf("%q;q=%d;qu=\"concurrent-requests\"", name, places.Most()), fmt.Sprintf("%q;r=0", name))
		return 0, &study.Error{Code: study.CodeRateLimited, Message: "too many " + what + " of yours at once", Cause: err}
	case err != nil:
		return 0, study.Wrap(err, study.CodeOverloaded, "too many "+what)
	}
	return place, nil
}

// holdRun takes a client's place for an agent run.
func (s *Server) holdRun(c *fiber.Ctx) (limit.Place, error) {
	return s.holdPlace(c, s.o.Admission.Runs, "concurrent-runs", "requests being worked on")
}

// admitStream takes a client's place for an event stream, and the stream's own over all workers. It takes them before it
// knows whether they are free: of two requests for the last one, one at most is admitted. Serve or releaseStream must
// follow.
func (s *Server) admitStream(c *fiber.Ctx) (limit.Place, error) {
	place, err := s.holdPlace(c, s.o.Admission.Streams, "concurrent-streams", "open event streams")
	if err != nil {
		return 0, err
	}
	if s.stopping.Load() {
		err = study.Errorf(study.CodeUnavailable, "the service is stopping")
	} else if !s.o.Admission.Gate.Admit(s.lifetime, s.reserveStream) {
		s.o.Own.Add(metrics.StreamsShed, 1)
		err = study.Errorf(study.CodeOverloaded, "too many open event streams")
	}
	if err != nil {
		s.o.Admission.Streams.Release(place)
	}
	return place, err
}

// reserveStream takes a stream's place in the container, if one is free.
func (s *Server) reserveStream() bool {
	s.o.Streams.Reserve()
	if s.o.Board.Sum(metrics.Streams) > int64(s.o.Admission.MaxStreams) || !s.http.RoomForStream() {
		s.o.Streams.Release()
		return false
	}
	return true
}

// releaseStream gives back what admitStream took.
func (s *Server) releaseStream(place limit.Place) {
	s.o.Streams.Release()
	s.o.Admission.Streams.Release(place)
}

// inTurn lets few requests at a time make a large answer.
func (s *Server) inTurn(handler fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		done, err := s.takeTurn()
		if err != nil {
			return err
		}
		defer done()
		return handler(c)
	}
}

// takeTurn waits for a turn to make a large answer; done gives it back.
func (s *Server) takeTurn() (done func(), err error) {
	turn := time.NewTimer(listTurn)
	defer turn.Stop()
	select {
	case s.lists <- struct{}{}:
		return func() { <-s.lists }, nil
	case <-turn.C:
		return nil, study.Errorf(study.CodeOverloaded, "too many lists are being read")
	}
}

// holdAnswer counts an answer until it is sent: how long that takes is up to its client. One that does not fit, and that
// can be asked for again, is an error instead.
func holdAnswer(c *fiber.Ctx) error {
	if c.Method() == fiber.MethodHead || c.Response().IsBodyStream() {
		return nil
	}
	if httpserver.HoldAnswer(c.Context(), len(c.Response().Body()), c.Method() != fiber.MethodGet) {
		return nil
	}
	for _, of := range []string{fiber.HeaderContentEncoding, fiber.HeaderETag, fiber.HeaderCacheControl} {
		c.Response().Header.Del(of)
	}
	return study.Errorf(study.CodeOverloaded, "too many answers are being sent")
}
