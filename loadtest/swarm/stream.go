package swarm

import (
	"time"

	"studysharper/app/stream/eventstream"
)

// StreamOptions configure one stream.
type StreamOptions struct {
	ReceiveBuffer int // SO_RCVBUF, set before the connection is made; 0 = the system's
	// Stuck makes a client that sends its request and never reads a byte. It counts as
	// neither opened nor ended: only the server knows about it.
	Stuck bool
	// Keep stores the texts of the token events, for Text.
	Keep bool
}

// State is the state of a stream.
type State struct {
	Status     int           // of the last response; 0 = none has arrived
	RetryAfter string        // its Retry-After header
	Port       int           // local port of the connection; 0 = none
	Began      time.Time     // start of the last opening (connect)
	Answered   time.Time     // when its response's head arrived
	First      time.Time     // when its first event arrived
	Retry      time.Duration // reconnection time set by the server
	LastID     string
	LastSeq    uint64
	Events     uint64
	Lost       uint64
	Doubled    uint64
	Gaps       uint64
	Wrong      uint64
	Terminal   string // once that has arrived
	Err        error  // why the stream broke; nil while it has not
}

// Stream is one event stream, which may be opened repeatedly.
type Stream struct {
	loop *loop
	path string
	o    StreamOptions

	// Guarded by loop.mu, and written by its goroutine only.
	state  State
	text   []byte
	phase  phase
	fd     int
	head   int                 // bytes of the request sent so far
	rest   []byte              // an unfinished head
	parser *eventstream.Parser // nil until part of an event or comment has arrived
}

type phase uint8

const (
	closed phase = iota
	connecting
	asking  // the request has not been sent completely
	waiting // for the response's head
	reading
	stuck
)

// State returns the stream's current state.
func (s *Stream) State() State {
	s.loop.mu.Lock()
	defer s.loop.mu.Unlock()
	return s.state
}

// Path returns the requested path.
func (s *Stream) Path() string { return s.path }

// Text returns the concatenated text of all token events, as encoded in their JSON, with
// escapes. It is empty without StreamOptions.Keep.
func (s *Stream) Text() string {
	s.loop.mu.Lock()
	defer s.loop.mu.Unlock()
	return string(s.text)
}

// request returns the stream's HTTP request.
func (s *Stream) request(o Options) []byte {
	host := o.Host
	if host == "" {
		host = o.Address.String()
	}
	b := make([]byte, 0, 192)
	b = append(append(append(b, "GET "...), s.path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, host...), "\r\nAccept: text/event-stream\r\n"...)
	if s.state.LastID != "" {
		b = append(append(append(b, "Last-Event-ID: "...), s.state.LastID...), "\r\n"...)
	}
	return append(append(b, o.Header...), "\r\n"...)
}

// take counts one event. The lock must be held.
func (s *Stream) take(e Event, counts *counters) {
	counts.events.Add(1)
	st := &s.state
	st.Events++
	if st.First.IsZero() {
		st.First = e.At
	}
	if e.ID != "" {
		st.LastID = e.ID
	}
	s.count(e, counts)
	switch e.Type {
	case "complete", "error":
		st.Terminal = e.Type
	case "token":
		if s.o.Keep {
			s.text = append(s.text, e.Text()...)
		}
	}
}

// count compares an event's number with the previous one. A gap event's number is that of the last event missed.
func (s *Stream) count(e Event, counts *counters) {
	st := &s.state
	if e.Type == "gap" {
		st.Gaps++
		counts.gaps.Add(1)
	}
	switch {
	case !e.numbered():
		st.Wrong++
		counts.wrong.Add(1)
		return
	case e.Seq <= st.LastSeq && e.Type != "gap":
		st.Doubled++
		counts.doubled.Add(1)
		return
	}
	missed := uint64(0)
	if e.Seq > st.LastSeq {
		missed = e.Seq - st.LastSeq
	}
	if e.Type != "gap" {
		missed-- // this one has arrived
	}
	st.Lost += missed
	counts.lost.Add(int64(missed)) //nolint:gosec // a count
	st.LastSeq = e.Seq
}
