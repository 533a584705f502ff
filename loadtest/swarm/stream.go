package swarm

import (
	"time"

	"studysharper/app/stream/eventstream"
)

// StreamOptions are one stream's.
type StreamOptions struct {
	ReceiveBuffer int // SO_RCVBUF, set before the connection is made; 0 = the system's
	// Stuck makes a client that sends its request and never reads a byte. It counts
	// as neither opened nor ended: only the server knows of it.
	Stuck bool
	// Keep keeps the texts of the token events, for Text.
	Keep bool
}

// State is what is known of a stream.
type State struct {
	Status     int           // of the last response; 0 = none has come
	RetryAfter string        // that header of it
	Port       int           // the connection's, this end; 0 = there is none
	Began      time.Time     // the last opening: its connect
	Answered   time.Time     // its response's head
	First      time.Time     // its first event
	Retry      time.Duration // what the server says to wait before coming back
	LastID     string
	LastSeq    uint64
	Events     uint64
	Lost       uint64
	Doubled    uint64
	Gaps       uint64
	Wrong      uint64
	Terminal   string // "complete" or "error" once that has come
	Err        error  // why the stream broke; nil while it has not
}

// Stream is one event stream, or the client of one that may come back.
type Stream struct {
	loop *loop
	path string
	o    StreamOptions

	// Guarded by loop.mu, and written by its goroutine only.
	state  State
	text   []byte
	phase  phase
	fd     int
	head   int                 // bytes of the request that have been sent
	rest   []byte              // an unfinished head
	parser *eventstream.Parser // nil until an event, a comment or a part of one has come
}

type phase uint8

const (
	closed phase = iota
	connecting
	asking  // the request is not sent in full
	waiting // for the response's head
	reading
	stuck
)

// State is the stream's state now.
func (s *Stream) State() State {
	s.loop.mu.Lock()
	defer s.loop.mu.Unlock()
	return s.state
}

// Path is what was asked for.
func (s *Stream) Path() string { return s.path }

// Text is the text of all token events, one after the other, as encoded in their
// JSON: escapes are as they were. It is empty without StreamOptions.Keep.
func (s *Stream) Text() string {
	s.loop.mu.Lock()
	defer s.loop.mu.Unlock()
	return string(s.text)
}

// request is what the stream asks with.
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

// take counts one event. The lock is held.
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

// count compares an event's number with the one before. A gap event's number is that of the last event missed.
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
		missed-- // this one has come
	}
	st.Lost += missed
	counts.lost.Add(int64(missed)) //nolint:gosec // a count
	st.LastSeq = e.Seq
}
