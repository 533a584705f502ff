package streams_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"

	"github.com/google/uuid"
	"github.com/tmaxmax/go-sse"
)

// reading is a session's stream that the library go-sse reads until it gives up.
type reading struct {
	done   chan struct{}
	events []servicetest.Event
	err    error // why it gave up
}

func follow(t *testing.T, url, session string) *reading {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/ai/stream/"+session, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := sse.Client{
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Backoff:    sse.Backoff{Jitter: -1, Multiplier: 1}, // it reconnects when the service says
	}
	r := &reading{done: make(chan struct{})}
	conn := client.NewConnection(req)
	conn.SubscribeToAll(func(got sse.Event) { r.take(t, got) })
	go func() {
		defer close(r.done)
		defer cancel()
		r.err = conn.Connect()
	}()
	return r
}

func (r *reading) take(t *testing.T, got sse.Event) {
	if got.Data == "" {
		return // unlike the standard, the library treats a lone retry line as an event
	}
	e := servicetest.Event{ID: got.LastEventID}
	if err := json.Unmarshal([]byte(got.Data), &e); err != nil || got.Type != "" {
		t.Errorf("got %+v: %v", got, err)
	}
	r.events = append(r.events, e)
}

// expect checks that the library received these events, through a proxy, and was stopped by a 204.
func (r *reading) expect(t *testing.T, whole []servicetest.Event, through *proxy) {
	t.Helper()
	<-r.done
	if gaveUp := (*sse.ConnectionError)(nil); !errors.As(r.err, &gaveUp) || gaveUp.Reason != "response validation failed" {
		t.Errorf("the library stopped for %v", r.err)
	}
	if !slices.Equal(r.events, whole) {
		t.Errorf("the library got %+v", r.events)
	}
	through.expectResumed(whole)
}

func TestStreamIsFollowedByALibraryUntilItIsToldToStop(t *testing.T) {
	s, whole := servicetest.WholeRun(t)
	ended, broken := proxied(s, nil, closed), proxied(s, nil, reset)
	throughEnded, throughBroken := follow(t, ended.url, whole[0].SessionID), follow(t, broken.url, whole[0].SessionID)
	throughEnded.expect(t, whole, ended)
	throughBroken.expect(t, whole, broken)
}

func TestStreamIsFollowedByALibraryWhoseWorkerIsKilled(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	runner, other := s.Pair()
	session := uuid.NewString()
	p := proxied(s, s.Dial(other), nil)
	r := follow(t, p.url, session)
	s.Eventually("the library asks", func() bool { return len(p.requested()) == 1 })
	s.Post(runner, session)
	steady := s.Open(runner, session)
	steady.ReachMiddle()
	s.Kill(other)
	fake.LetGo()
	whole := steady.End()
	servicetest.ExpectEssay(t, whole, 1)
	r.expect(t, whole, p)
}
