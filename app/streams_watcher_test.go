package main

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

	"studysharper/app/eventstream"
)

// heard is an event as a client had it.
type heard struct {
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

func (e heard) terminal() bool { return e.Type == "complete" || e.Type == "error" }

// post begins a run on a worker (0 = either), in a new session where session is "".
func (s *service) post(worker int, session string) (string, string) {
	s.t.Helper()
	body := fmt.Sprintf(`{"type":"chat","user_id":"student","session_id":%q,"message":"Tell me all about run %d","options":{}}`,
		session, time.Now().UnixNano())
	status, got := s.exchange(worker, "POST", "/api/ai/process-stream", body)
	if status != 200 {
		s.t.Fatalf("%d %v\n%s", status, got, s.log)
	}
	return got["session_id"].(string), got["run_id"].(string)
}

// exchange sends a request to a worker on a connection of its own.
func (s *service) exchange(worker int, method, path, body string) (int, map[string]any) {
	s.t.Helper()
	conn := s.dial(worker)
	defer conn.Close()
	res, err := ask(conn, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: studysharper\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, len(body), body))
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", method, path, err, s.log)
	}
	got := map[string]any{}
	_ = json.NewDecoder(res.Body).Decode(&got) // a 204 has no body
	return res.StatusCode, got
}

// ask sends raw bytes and reads the response's head.
func ask(conn net.Conn, raw string) (*http.Response, error) {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

// watcher reads one event stream on a connection of its own.
type watcher struct {
	*net.TCPConn
	s      *service
	status int
	header http.Header
	ended  chan struct{}

	mu     sync.Mutex
	events []heard
	err    error // how the stream ended; io.EOF = as it should
}

// open asks a worker (0 = either) for a session's stream, with more header lines
// where there are some, and reads it.
func (s *service) open(worker int, session string, header ...string) *watcher {
	s.t.Helper()
	return s.openRaw(s.dial(worker), streamRequest(session, header...))
}

func streamRequest(session string, header ...string) string {
	lines := append([]string{"GET /api/ai/stream/" + session + " HTTP/1.1", "Host: studysharper", "Accept: text/event-stream"}, header...)
	return strings.Join(append(lines, "", ""), "\r\n")
}

func (s *service) openRaw(conn *net.TCPConn, raw string) *watcher {
	s.t.Helper()
	s.t.Cleanup(func() { _ = conn.Close() })
	res, err := ask(conn, raw)
	if err != nil {
		s.t.Fatalf("%.80q: %v\n%s", raw, err, s.log)
	}
	w := &watcher{TCPConn: conn, s: s, status: res.StatusCode, header: res.Header, ended: make(chan struct{})}
	go w.read(res.Body)
	return w
}

func (w *watcher) read(body io.Reader) {
	defer close(w.ended)
	for r := eventstream.NewReader(body, eventstream.Limits{}); ; {
		got, err := r.Next()
		e := heard{ID: got.ID}
		if err == nil {
			err = json.Unmarshal(got.Data, &e)
		}
		if err == nil && got.Name != "message" {
			err = fmt.Errorf("EventSource.onmessage does not get the event %s %s", got.Name, got.Data)
		}
		w.mu.Lock()
		if err != nil {
			w.err = err
			w.mu.Unlock()
			return
		}
		w.events = append(w.events, e)
		w.mu.Unlock()
	}
}

// sofar gives the events that have come.
func (w *watcher) sofar() []heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[:len(w.events):len(w.events)]
}

// until waits for so many events.
func (w *watcher) until(n int) []heard {
	w.s.t.Helper()
	w.s.eventually(fmt.Sprintf("%d events on a stream", n), func() bool { return len(w.sofar()) >= n })
	return w.sofar()
}

// reachMiddle waits for what a model that is held has said.
func (w *watcher) reachMiddle() {
	w.s.t.Helper()
	last := fmt.Sprintf("fact%d ", middle)
	w.s.eventually("a stream is in the middle of the run", func() bool {
		got := w.sofar()
		return len(got) > 0 && got[len(got)-1].Text == last
	})
}

// cut waits for the end of a stream, whatever it is.
func (w *watcher) cut() []heard {
	w.s.t.Helper()
	select {
	case <-w.ended:
	case <-time.After(time.Minute):
		w.s.t.Fatalf("a stream does not end after %v\n%s", w.sofar(), w.s.log)
	}
	return w.sofar()
}

// end waits until the service has ended the stream as it should.
func (w *watcher) end() []heard {
	w.s.t.Helper()
	events := w.cut()
	if !errors.Is(w.err, io.EOF) {
		w.s.t.Errorf("a stream ends with %v after %v", w.err, events)
	}
	return events
}

// lastID is where a client is that was told these events, as a header line.
func lastID(events []heard) string { return "Last-Event-ID: " + events[len(events)-1].ID }

// expectWhole checks that events are those of one run from its first to its last, which
// has number seq and on, none missing, none twice, and gives the last.
func expectWhole(t *testing.T, events []heard, seq uint64) heard {
	t.Helper()
	t.Helper()
	seen := map[string]bool{}
	for i, e := range events {
		if e.Seq != seq+uint64(i) || e.ID == "" || seen[e.ID] || e.terminal() != (i == len(events)-1) {
			t.Fatalf("event %d of %d is out of place: %+v\nall: %+v", i+1, len(events), e, events)
		}
		seen[e.ID] = true
	}
	if len(events) == 0 || events[0].Type != "start" {
		t.Fatalf("no run begins in %+v", events)
	}
	return events[len(events)-1]
}

// expectEssay checks that events are those of a whole run that said its essay.
func expectEssay(t *testing.T, events []heard, seq uint64) {
	t.Helper()
	t.Helper()
	if last := expectWhole(t, events, seq); last.Type != "complete" {
		t.Fatalf("the run ended with %+v", last)
	}
	var said strings.Builder
	for _, e := range events {
		said.WriteString(e.Text)
	}
	if said.String() != essay(words) {
		t.Fatalf("the tokens are %q", said.String())
	}
}
