package httpapi

import (
	"fmt"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/httpserver"
	"studysharper/app/study"
)

// Limits on what one address makes a worker do at a time. A client that floods the service from one address waits in
// its own queue, and other clients share the processors with only a few of its requests.
const (
	ownTurnWait = 5 * time.Second      // a request that waited longer is answered with 429
	refusalFor  = 2 * time.Millisecond // minimum time between two refusals to a client
	refusalWait = time.Second          // a refusal that waited longer is sent at once
)

// turns lets a few requests of each client through at a time; the client's other requests wait in the order in which
// they came.
type turns struct {
	most    int
	mu      sync.Mutex
	clients map[string]*clientTurns
}

// clientTurns are the turns of one client while it has requests here.
type clientTurns struct {
	free     chan struct{} // has an element for each turn taken
	requests int
}

func newTurns(most int) *turns { return &turns{most: most, clients: map[string]*clientTurns{}} }

// take waits for one of a client's turns. ok is false if none became free in time; otherwise done releases the turn.
func (t *turns) take(client string, within time.Duration) (done func(), ok bool) {
	t.mu.Lock()
	own := t.clients[client]
	if own == nil {
		own = &clientTurns{free: make(chan struct{}, t.most)}
		t.clients[client] = own
	}
	own.requests++
	t.mu.Unlock()
	if !own.wait(within) {
		t.leave(client, own)
		return nil, false
	}
	return func() {
		<-own.free
		t.leave(client, own)
	}, true
}

func (own *clientTurns) wait(within time.Duration) bool {
	select {
	case own.free <- struct{}{}:
		return true
	default:
	}
	over := time.NewTimer(within)
	defer over.Stop()
	select {
	case own.free <- struct{}{}:
		return true
	case <-over.C:
		return false
	}
}

func (t *turns) leave(client string, own *clientTurns) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.requests--; own.requests == 0 {
		delete(t.clients, client)
	}
}

// inOwnTurn answers at most Admission.Turns requests of an address at a time. It runs after the body has been read,
// because reading takes as long as the client likes.
func (s *Server) inOwnTurn(c *fiber.Ctx) error {
	if s.o.Admission.Turns == 0 {
		return c.Next()
	}
	done, ok := s.answering.take(s.client(c), ownTurnWait)
	if !ok {
		addLimit(c, fmt.Sprintf("\"concurrent-requests\";q=%d;qu=\"concurrent-requests\"", s.o.Admission.Turns), `"concurrent-requests";r=0`)
		return &study.Error{Code: study.CodeRateLimited, Message: "you already have too many requests in progress", RetryAfter: time.Second}
	}
	defer done()
	return c.Next()
}

// paceRefusal slows the refusals of a client that ignores Retry-After: refusing can cost as much as answering.
func (s *Server) paceRefusal(c *fiber.Ctx, err error) {
	if e := study.AsError(err); e.Code != study.CodeRateLimited && e.Code != study.CodeUnauthorized {
		return
	}
	httpserver.ReleaseBody(c.Context())
	if done, ok := s.refusing.take(s.client(c), refusalWait); ok {
		<-time.After(refusalFor)
		done()
	}
}
