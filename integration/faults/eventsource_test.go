package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"studysharper/integration/harness"
)

// eventSource reads a stream as a browser's EventSource does: whenever a response ends, it comes back with the id of
// the last event it has, until a 204 tells it to stop.
type eventSource struct {
	service *harness.Service
	path    string
	stopped chan struct{}

	mu     sync.Mutex
	events []harness.Event
	opened int    // responses that were streams
	last   string // the id of the newest event
	fault  string // why it was given up; "" = a 204 has stopped it
}

func newEventSource(s *harness.Service, path string) *eventSource {
	return &eventSource{service: s, path: path, stopped: make(chan struct{})}
}

// read returns when the server has told it to stop, or after so long.
func (s *eventSource) read(i *incident, most time.Duration) {
	defer close(s.stopped)
	ctx, cancel := context.WithTimeout(i.Context(), most)
	defer cancel()
	for {
		over, err := s.readOnce(ctx)
		if over {
			return
		}
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.fault = fmt.Sprintf("it was not told to stop within %v; at last: %v", most, err)
			s.mu.Unlock()
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// readOnce reads one response. over: it is a 204, or one after which no browser comes back.
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
	case http.StatusServiceUnavailable: // while the service starts; the documented client tries again
		return false, fmt.Errorf("status %d", response.StatusCode)
	default:
		s.fault = fmt.Sprintf("status %d", response.StatusCode)
		return true, nil
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	return false, s.takeAll(bufio.NewScanner(response.Body))
}

// patient has no time limit of its own: a stream may be silent for long.
var patient = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// takeAll takes the events of a response.
func (s *eventSource) takeAll(lines *bufio.Scanner) error {
	lines.Buffer(nil, 4<<20)
	id := ""
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = value
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		e := harness.Event{ID: id}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return err
		}
		s.mu.Lock()
		s.events = append(s.events, e)
		if id != "" {
			s.last = id
		}
		s.mu.Unlock()
		id = ""
	}
	return lines.Err()
}

// seen is the events so far.
func (s *eventSource) seen() []harness.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// wantEnd wants a stream that was stopped by a 204 after so many responses at most: each event has an id and the next
// number, but for a gap and the first (the session may have had other runs), and the last event, and no other, is the end.
func (s *eventSource) wantEnd(i *incident, kind string, mostOpened int) {
	i.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != "" || s.opened == 0 || s.opened > mostOpened {
		i.Errorf("%s: opened %d times, want at most %d and then a 204: %s", s.path, s.opened, mostOpened, s.fault)
	}
	seq := 0
	for n, e := range s.events {
		if e.ID == "" || e.RunID == "" {
			i.Errorf("%s: event %d has no id or no run: %+v", s.path, n+1, e)
		}
		if n == 0 || e.Type == "gap" {
			seq = e.Seq - 1
		}
		if e.Seq != seq+1 {
			i.Errorf("%s: event %d has seq %d behind %d: %+v", s.path, n+1, e.Seq, seq, e)
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

// wantRun wants every event to be of one run.
func (s *eventSource) wantRun(i *incident, run string) {
	i.Helper()
	for n, e := range s.seen() {
		if e.RunID != run {
			i.Errorf("%s: event %d is of run %q, want %q", s.path, n+1, e.RunID, run)
		}
	}
}
