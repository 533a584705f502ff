package main

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/loadtest/fakellm"
)

// cancelled waits until the model's caller has left.
func cancelled(t *testing.T, fake *model) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if counts, err := fake.Await(ctx, func(c fakellm.Counts) bool { return c.Cancelled == 1 && c.Active == 0 }); err != nil {
		t.Errorf("the model goes on answering: %+v", counts)
	}
}

func TestStreamsOfADeletedSessionEndAndItsRunIsCancelled(t *testing.T) {
	s, fake := studying(t, nil)
	fake.hold()
	runner, other := s.pair()
	session, _ := s.post(runner, "")
	here, there := s.open(runner, session), s.open(other, session)
	here.reachMiddle()
	there.reachMiddle()
	if status, got := s.exchange(other, "DELETE", "/api/ai/sessions/"+session, ""); status != 204 {
		t.Fatalf("%d %v", status, got)
	}
	cancelled(t, fake)
	for _, w := range []*watcher{here, there} {
		events := w.cut()
		last := events[len(events)-1]
		if last.Type != "error" || last.Retryable || !errors.Is(w.err, io.EOF) {
			t.Errorf("a stream ends with %+v, %v", last, w.err)
		}
		for i, e := range events[:len(events)-1] {
			if e.Seq != uint64(i+1) || e.terminal() {
				t.Errorf("event %d is %+v", i+1, e)
			}
		}
	}
	s.eventually("no run is active", func() bool {
		_, got := s.ask("GET", "/api/admin/metrics", "")
		return got["runs"].(map[string]any)["active"] == 0.0
	})
	if status, got := s.exchange(other, "GET", "/api/ai/sessions/"+session, ""); status != 404 {
		t.Errorf("the session is still stored: %d %v", status, got)
	}
	fake.letGo()
	s.post(other, session) // its id is free again
	expectEssay(t, s.open(runner, session).end(), 1)
}

func TestStreamOfADeletedSessionHasNothingOfItsFormerLife(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	session, _ := s.post(a, "")
	before := s.open(b, session).end()
	expectEssay(t, before, 1)
	if status, got := s.exchange(b, "DELETE", "/api/ai/sessions/"+session, ""); status != 204 {
		t.Fatalf("%d %v", status, got)
	}
	if w := s.open(b, session, lastID(before)); w.status != 204 { // its id says that it has seen the end
		t.Errorf("a client that has seen the end of what was deleted: %d", w.status)
	}
	fresh, returned := s.open(a, session), s.open(b, session, lastID(before[:len(before)-1]))
	for _, w := range []*watcher{fresh, returned} {
		if w.status != 200 && w.status != 404 {
			t.Errorf("a stream of what was deleted: %d", w.status)
		}
	}
	s.post(b, session)
	again := s.open(a, session).end()
	expectEssay(t, again, 1)
	if again[0].ID == before[0].ID || again[0].RunID == before[0].RunID {
		t.Errorf("the new life begins with %+v, the former with %+v", again[0], before[0])
	}
	if fresh.status == 200 {
		expectEssay(t, fresh.end(), 1)
	}
	if returned.status == 200 {
		for _, e := range returned.end() {
			if e.RunID == before[0].RunID {
				t.Errorf("of the former life there is %+v", e)
			}
		}
	}
}

func TestSessionIsDeletedOnce(t *testing.T) {
	s, fake := studying(t, nil)
	a, b := s.pair()
	for _, running := range []bool{false, true} {
		if running {
			fake.hold()
		}
		session, _ := s.post(a, "")
		if w := s.open(b, session); running {
			w.reachMiddle()
		} else {
			w.end()
		}
		for i, want := range []int{204, 404, 404} {
			if status, got := s.exchange([]int{a, b}[i%2], "DELETE", "/api/ai/sessions/"+session, ""); status != want {
				t.Errorf("DELETE number %d: %d %v, want %d", i+1, status, got, want)
			}
		}
	}
}

func TestSessionThatNeverWasCannotBeDeleted(t *testing.T) {
	s, _ := studying(t, nil)
	if status, got := s.exchange(0, "DELETE", "/api/ai/sessions/"+uuid.NewString(), ""); status != 404 {
		t.Errorf("%d %v", status, got)
	}
}
