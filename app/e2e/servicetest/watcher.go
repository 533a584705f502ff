package servicetest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"studysharper/app/stream/eventstream"
)

// Event is an event as a client received it.
type Event struct {
	ID        string `json:"-"`
	Type      string `json:"type"`
	Seq       uint64 `json:"seq"`
	Text      string `json:"text"`
	Missed    uint64 `json:"missed"`
	SessionID string `json:"session_id"`
	RunID     string `json:"run_id"`
	Error     string `json:"error"`
	Retryable bool   `json:"retryable"`
	Code      string `json:"code"`
	Wait      int    `json:"retry_after_seconds"`
	Data      struct {
		Message string `json:"message"`
	} `json:"data"`
}

// Terminal reports whether the event ends its run.
func (e Event) Terminal() bool { return e.Type == "complete" || e.Type == "error" }

// Post starts a run on a worker (0 = either), in a new session if session is "", and returns the ids of session and
// run.
func (s *Service) Post(worker int, session string) (string, string) {
	s.T.Helper()
	body := fmt.Sprintf(`{"type":"chat","user_id":"student","session_id":%q,"message":"Tell me all about run %d","options":{}}`,
		session, time.Now().UnixNano())
	status, got := s.Exchange(worker, "POST", "/api/ai/process-stream", body)
	if status != 200 {
		s.T.Fatalf("%d %v\n%s", status, got, s.Log)
	}
	return got["session_id"].(string), got["run_id"].(string)
}

// Exchange sends a request to a worker (0 = either) on a new connection, and returns the status and the JSON body.
func (s *Service) Exchange(worker int, method, path, body string) (int, map[string]any) {
	s.T.Helper()
	conn := s.Dial(worker)
	defer conn.Close()
	res, err := RawExchange(conn, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: studysharper\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, len(body), body))
	if err != nil {
		s.T.Fatalf("%s %s: %v\n%s", method, path, err, s.Log)
	}
	got := map[string]any{}
	_ = json.NewDecoder(res.Body).Decode(&got) // a 204 has no body
	return res.StatusCode, got
}

// RawExchange sends raw bytes and reads the head of the response.
func RawExchange(conn net.Conn, raw string) (*http.Response, error) {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

// Watcher reads one event stream on its own connection.
type Watcher struct {
	*net.TCPConn
	Service *Service
	Status  int
	Header  http.Header
	Ended   chan struct{}

	mu     sync.Mutex
	events []Event
	Err    error // how the stream ended; io.EOF = correctly
}

// Open requests a session's stream from a worker (0 = either), with additional header lines, and reads
// it in the background.
func (s *Service) Open(worker int, session string, header ...string) *Watcher {
	s.T.Helper()
	return s.OpenRaw(s.Dial(worker), StreamRequest(session, header...))
}

// StreamRequest returns the raw request for a session's stream.
func StreamRequest(session string, header ...string) string {
	lines := append([]string{"GET /api/ai/stream/" + session + " HTTP/1.1", "Host: studysharper", "Accept: text/event-stream"}, header...)
	return strings.Join(append(lines, "", ""), "\r\n")
}

// OpenRaw sends a raw request on a connection and reads the stream that follows in the background.
func (s *Service) OpenRaw(conn *net.TCPConn, raw string) *Watcher {
	s.T.Helper()
	s.T.Cleanup(func() { _ = conn.Close() })
	res, err := RawExchange(conn, raw)
	if err != nil {
		s.T.Fatalf("%.80q: %v\n%s", raw, err, s.Log)
	}
	w := &Watcher{TCPConn: conn, Service: s, Status: res.StatusCode, Header: res.Header, Ended: make(chan struct{})}
	go w.read(res.Body)
	return w
}

func (w *Watcher) read(body io.Reader) {
	defer close(w.Ended)
	for r := eventstream.NewReader(body, eventstream.Limits{}); ; {
		got, err := r.Next()
		e := Event{ID: got.ID}
		if err == nil {
			err = json.Unmarshal(got.Data, &e)
		}
		if err == nil && got.Name != "message" {
			err = fmt.Errorf("EventSource.onmessage does not get the event %s %s", got.Name, got.Data)
		}
		w.mu.Lock()
		if err != nil {
			w.Err = err
			w.mu.Unlock()
			return
		}
		w.events = append(w.events, e)
		w.mu.Unlock()
	}
}

// ReadEvents returns the events of a complete stream that another client has received.
func ReadEvents(stream string) []Event {
	w := &Watcher{Ended: make(chan struct{})}
	w.read(strings.NewReader(stream))
	return w.events
}

// Sofar returns the events received so far.
func (w *Watcher) Sofar() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[:len(w.events):len(w.events)]
}

// Until waits until n events have been received, and returns them.
func (w *Watcher) Until(n int) []Event {
	w.Service.T.Helper()
	w.Service.Eventually(fmt.Sprintf("%d events on a stream", n), func() bool { return len(w.Sofar()) >= n })
	return w.Sofar()
}

// ReachMiddle waits for the last event before the point at which the model is held.
func (w *Watcher) ReachMiddle() {
	w.Service.T.Helper()
	last := fmt.Sprintf("fact%d ", Middle)
	w.Service.Eventually("a stream is in the middle of the run", func() bool {
		got := w.Sofar()
		return len(got) > 0 && got[len(got)-1].Text == last
	})
}

// Cut waits for the end of the stream, however it ends, and returns its events.
func (w *Watcher) Cut() []Event {
	w.Service.T.Helper()
	select {
	case <-w.Ended:
	case <-time.After(time.Minute):
		w.Service.T.Fatalf("a stream does not end after %v\n%s", w.Sofar(), w.Service.Log)
	}
	return w.Sofar()
}

// End is Cut for a stream that the service must end properly.
func (w *Watcher) End() []Event {
	w.Service.T.Helper()
	events := w.Cut()
	if !errors.Is(w.Err, io.EOF) {
		w.Service.T.Errorf("a stream ends with %v after %v", w.Err, events)
	}
	return events
}

// LastID returns the header line of a client that resumes after these events.
func LastID(events []Event) string { return "Last-Event-ID: " + events[len(events)-1].ID }

// ExpectWhole checks that the events are those of one complete run, numbered from seq without a gap or a repetition,
// and returns the last one.
func ExpectWhole(t *testing.T, events []Event, seq uint64) Event {
	t.Helper()
	seen := map[string]bool{}
	for i, e := range events {
		if e.Seq != seq+uint64(i) || e.ID == "" || seen[e.ID] || e.Terminal() != (i == len(events)-1) {
			t.Fatalf("event %d of %d is out of place: %+v\nall: %+v", i+1, len(events), e, events)
		}
		seen[e.ID] = true
	}
	if len(events) == 0 || events[0].Type != "start" {
		t.Fatalf("no run begins in %+v", events)
	}
	return events[len(events)-1]
}

// ExpectEssay checks that the events are those of a complete run that answered with the essay.
func ExpectEssay(t *testing.T, events []Event, seq uint64) {
	t.Helper()
	if last := ExpectWhole(t, events, seq); last.Type != "complete" {
		t.Fatalf("the run ended with %+v", last)
	}
	var said strings.Builder
	for _, e := range events {
		said.WriteString(e.Text)
	}
	if said.String() != Essay(Words) {
		t.Fatalf("the tokens are %q", said.String())
	}
}
