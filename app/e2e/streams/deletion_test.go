package streams_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/e2e/servicetest"
	"studysharper/loadtest/fakellm"
)

// cancelled waits until the model's caller has disconnected.
func cancelled(t *testing.T, fake *servicetest.Model) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if counts, err := fake.Await(ctx, func(c fakellm.Counts) bool { return c.Cancelled == 1 && c.Active == 0 }); err != nil {
		t.Errorf("the model still answers: %+v", counts)
	}
}

func TestStreamsOfADeletedSessionEndAndItsRunIsCancelled(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	runner, other := s.Pair()
	session, _ := s.Post(runner, "")
	here, there := s.Open(runner, session), s.Open(other, session)
	here.ReachMiddle()
	there.ReachMiddle()
	if status, got := s.Exchange(other, "DELETE", "/api/ai/sessions/"+session, ""); status != 204 {
		t.Fatalf("%d %v", status, got)
	}
	cancelled(t, fake)
	for _, w := range []*servicetest.Watcher{here, there} {
		events := w.Cut()
		last := events[len(events)-1]
		if last.Type != "error" || last.Retryable || !errors.Is(w.Err, io.EOF) {
			t.Errorf("a stream ends with %+v, %v", last, w.Err)
		}
		for i, e := range events[:len(events)-1] {
			if e.Seq != uint64(i+1) || e.Terminal() {
				t.Errorf("event %d is %+v", i+1, e)
			}
		}
	}
	s.Eventually("no run is active", func() bool {
		_, got := s.Ask("GET", "/api/admin/metrics", "")
		return got["runs"].(map[string]any)["active"] == 0.0
	})
	if status, got := s.Exchange(other, "GET", "/api/ai/sessions/"+session, ""); status != 404 {
		t.Errorf("the session is still stored: %d %v", status, got)
	}
	fake.LetGo()
	s.Post(other, session) // its id is free again
	servicetest.ExpectEssay(t, s.Open(runner, session).End(), 1)
}

func TestStreamOfADeletedSessionHasNothingOfItsFormerLife(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	session, _ := s.Post(a, "")
	before := s.Open(b, session).End()
	servicetest.ExpectEssay(t, before, 1)
	if status, got := s.Exchange(b, "DELETE", "/api/ai/sessions/"+session, ""); status != 204 {
		t.Fatalf("%d %v", status, got)
	}
	if w := s.Open(b, session, servicetest.LastID(before)); w.Status != 204 { // its id says that the client has seen the end
		t.Errorf("a client that has seen the end of what was deleted: %d", w.Status)
	}
	fresh, returned := s.Open(a, session), s.Open(b, session, servicetest.LastID(before[:len(before)-1]))
	for _, w := range []*servicetest.Watcher{fresh, returned} {
		if w.Status != 200 && w.Status != 404 {
			t.Errorf("a stream of what was deleted: %d", w.Status)
		}
	}
	s.Post(b, session)
	again := s.Open(a, session).End()
	servicetest.ExpectEssay(t, again, 1)
	if again[0].ID == before[0].ID || again[0].RunID == before[0].RunID {
		t.Errorf("the new life begins with %+v, the former with %+v", again[0], before[0])
	}
	if fresh.Status == 200 {
		servicetest.ExpectEssay(t, fresh.End(), 1)
	}
	if returned.Status == 200 {
		for _, e := range returned.End() {
			if e.RunID == before[0].RunID {
				t.Errorf("of the former life there is %+v", e)
			}
		}
	}
}

func TestSessionIsDeletedOnce(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	for _, running := range []bool{false, true} {
		if running {
			fake.Hold()
		}
		session, _ := s.Post(a, "")
		if w := s.Open(b, session); running {
			w.ReachMiddle()
		} else {
			w.End()
		}
		for i, want := range []int{204, 404, 404} {
			if status, got := s.Exchange([]int{a, b}[i%2], "DELETE", "/api/ai/sessions/"+session, ""); status != want {
				t.Errorf("DELETE number %d: %d %v, want %d", i+1, status, got, want)
			}
		}
	}
}

func TestSessionThatNeverWasCannotBeDeleted(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	if status, got := s.Exchange(0, "DELETE", "/api/ai/sessions/"+uuid.NewString(), ""); status != 404 {
		t.Errorf("%d %v", status, got)
	}
}
