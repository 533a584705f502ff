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

// Admission limits concurrent work, and the requests of each client.
type Admission struct {
	Limits     []limit.Policy // of process-stream, per client; empty = unlimited
	Counter    limit.Counter  // counts those requests and wrong admin tokens; may be nil without Limits
	Calls      *limit.Runs    // limits the runs that call a model; nil = unlimited
	Accounts   []limit.Policy // of new accounts, per address; empty = unlimited
	Stored     limit.Policy   // bytes that each address may add, with accounts; a quota of 0 = unlimited
	Runs       *limit.Places  // of each client, over all workers; nil = unlimited
	Streams    *limit.Places  // likewise
	Proxies    []netip.Prefix // whose X-Forwarded-For is trusted
	Gate       limit.Gate     // counts the streams of all instances
	MaxStreams int            // event streams over all workers
	Turns      int            // requests from one address that this worker answers at a time, except runs, streams and uploads; 0 = unlimited
	MaxLists   int            // lists that this worker makes at a time; at least 1
}

// listTurn is how long a request waits for its turn to make a list.
const listTurn = 5 * time.Second

// roomForConnection refuses requests on connections beyond httpserver.Room.Conns, except health probes, which must be
// answered truthfully even then. In both cases the connection is closed after the answer.
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

// roomForRun refuses a run before its body is read if there is no room for it.
func (s *Server) roomForRun(c *fiber.Ctx) error {
	if err := s.o.Runs.RejectIfFull(); err != nil {
		return err
	}
	return c.Next()
}

// roomForStream is roomForRun for requests with a rate limit: a run that is refused at capacity counts against its
// client's limit.
func (s *Server) roomForStream(c *fiber.Ctx) error {
	if err := s.o.Runs.RejectIfFull(); err != nil {
		return cmp.Or(s.allow(c), err)
	}
	if !httpserver.BodyArrived(c.Context()) { // otherwise allow checks it soon enough
		if err := s.wouldAllow(c); err != nil {
			return err
		}
	}
	return c.Next()
}

// holdPlace reserves a place for what a client is about to occupy; the caller must release it. It returns
// CodeRateLimited if the client already has its maximum (the answer then names the limit like other rate limits), and
// CodeOverloaded if the container has no free place.
func (s *Server) holdPlace(c *fiber.Ctx, places *limit.Places, name, what string) (limit.Place, error) {
	place, err := places.Take(s.countedAs(c))
	switch {
	case errors.Is(err, limit.ErrClientFull):
		addLimit(c, fmt.Sprintf("%q;q=%d;qu=\"concurrent-requests\"", name, places.Most()), fmt.Sprintf("%q;r=0", name))
		return 0, &study.Error{Code: study.CodeRateLimited, Message: "you already have too many " + what, Cause: err}
	case err != nil:
		return 0, study.Wrap(err, study.CodeOverloaded, "too many "+what)
	}
	return place, nil
}

// holdRun reserves one of the client's places for a run.
func (s *Server) holdRun(c *fiber.Ctx) (limit.Place, error) {
	return s.holdPlace(c, s.o.Admission.Runs, "concurrent-runs", "requests in progress")
}

// admitStream reserves one of the client's places for an event stream, and one of the container's. It reserves them
// before it checks whether there is room, so of two requests for the last place at most one is admitted. Serve or
// releaseStream must follow.
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

// reserveStream reserves one of the container's places for a stream, if one is free.
func (s *Server) reserveStream() bool {
	s.o.Streams.Reserve()
	if s.o.Board.Sum(metrics.Streams) > int64(s.o.Admission.MaxStreams) || !s.http.RoomForStream() {
		s.o.Streams.Release()
		return false
	}
	return true
}

// releaseStream releases what admitStream reserved.
func (s *Server) releaseStream(place limit.Place) {
	s.o.Streams.Release()
	s.o.Admission.Streams.Release(place)
}

// inTurn limits how many requests make a large answer at the same time.
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

// takeTurn waits for a turn to make a large answer; done ends the turn.
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

// holdAnswer counts an answer's memory until the answer is sent, which takes as long as its client likes. An answer
// that does not fit, and that the client can request again, is replaced by an error.
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
