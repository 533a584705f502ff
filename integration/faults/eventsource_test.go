package faults

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

// eventSource reads a stream as a browser's EventSource does: whenever a response ends, it reconnects with the id of the
// last event it received, until a 204 tells it to stop.
type eventSource struct {
	service *harness.Service
	path    string
	stopped chan struct{}

	mu     sync.Mutex
	events []harness.Event
	opened int    // number of responses that were streams
	last   string // id of the newest event
	fault  string // why reading ended; "" after a 204
}

func newEventSource(s *harness.Service, path string) *eventSource {
	return &eventSource{service: s, path: path, stopped: make(chan struct{})}
}

// read reads until the server tells it to stop, or for most.
func (s *eventSource) read(i *incident, most time.Duration) {
	defer close(s.stopped)
	ctx, cancel := context.WithTimeout(i.Context(), most)
	defer cancel()
	var last error
	stopped := testkit.PollFor(most, 100*time.Millisecond, func() (over bool) {
		over, last = s.readOnce(ctx)
		return over
	})
	if !stopped {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault = fmt.Sprintf("it was not told to stop within %v; at last: %v", most, last)
	}
}

// readOnce reads one response. over is true after a 204 or another status after which no browser reconnects.
func (s *eventSource) readOnce(ctx context.Context) (over bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.service.URL+s.path, nil)
	if err != nil {
		return false, err
	}
	if s.last != "" {
		request.Header.Set("Last-Event-ID", s.last)
	}
	response, err := patient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch response.StatusCode {
	case http.StatusOK:
		s.opened++
	case http.StatusNoContent:
		return true, nil
	case http.StatusServiceUnavailable: // while the service starts; the documented client retries
		return false, fmt.Errorf("status %d", response.StatusCode)
	default:
		s.fault = fmt.Sprintf("status %d", response.StatusCode)
		return true, nil
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	return false, s.takeAll(harness.NewEventReader(response.Body))
}

// patient has no timeout, because a stream may be silent for a long time.
var patient = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// takeAll reads the events of a response up to its end, which is an error too.
func (s *eventSource) takeAll(events harness.EventReader) error {
	for {
		e, err := events.Next()
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.events = append(s.events, e)
		s.last = cmp.Or(e.ID, s.last)
		s.mu.Unlock()
	}
}

// seen returns the events so far.
func (s *eventSource) seen() []harness.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// wantEnd checks that a 204 ended the stream after mostOpened responses at most, that each event has an id and the next
// number (except a gap and the first event, because the session may have had other runs), and that only the last event
// is terminal.
func (s *eventSource) wantEnd(i *incident, kind string, mostOpened int) {
	i.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != "" || s.opened == 0 || s.opened > mostOpened {
		i.Errorf("%s: opened %d times, want at most %d and then a 204: %s", s.path, s.opened, mostOpened, s.fault)
	}
	seq := 0
	for n, e := range s.events {
		if e.ID == "" || n > 0 && e.ID == s.events[n-1].ID || e.RunID == "" {
			i.Errorf("%s: event %d has no id of its own or no run: %+v", s.path, n+1, e)
		}
		if n == 0 || e.Type == "gap" {
			seq = e.Seq - 1
		}
		if e.Seq != seq+1 {
			i.Errorf("%s: event %d has seq %d after %d: %+v", s.path, n+1, e.Seq, seq, e)
		}
		seq = e.Seq
		if end := e.Type == "complete" || e.Type == "error"; end != (n == len(s.events)-1) || end && e.Type != kind {
			i.Errorf("%s: event %d of %d is %+v, want %s as the last", s.path, n+1, len(s.events), e, kind)
		}
	}
	if len(s.events) == 0 {
		i.Errorf("%s: there were no events", s.path)
	}
}

// wantRun checks that every event belongs to one run.
func (s *eventSource) wantRun(i *incident, run string) {
	i.Helper()
	for n, e := range s.seen() {
		if e.RunID != run {
			i.Errorf("%s: event %d is of run %q, want %q", s.path, n+1, e.RunID, run)
		}
	}
}
