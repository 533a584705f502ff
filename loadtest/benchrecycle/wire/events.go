package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxEventLine is how long a line of an event stream may be.
const MaxEventLine = 1 << 20

// NewSession makes a session's id: a UUID of version 4 (RFC 9562).
func NewSession() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Event is one event of a session's stream.
type Event struct {
	ID       string `json:"-"` // of this event; "" = it names none
	Type     string `json:"type"`
	Seq      uint64 `json:"seq"`
	Text     string `json:"text"`   // of a token
	Missed   uint64 `json:"missed"` // of a gap
	ErrorMsg string `json:"error"`  // of an error
}

// Terminal reports whether the run has ended with this event.
func (e Event) Terminal() bool { return e.Type == "complete" || e.Type == "error" }

// Events reads the events of one stream, strictly: lines end with LF, a field is
// `id`, `data` or `retry`, an event has one line of data, which is JSON. The stream
// comes straight from the socket (no transfer coding), so its end is the connection's.
type Events struct {
	conn    *Conn
	silence time.Duration
	line    []byte
}

// Next waits for the next event, passing over comments and retry lines. Its errors
// are *Failures; Closed is the end of the stream between two events.
func (s *Events) Next() (Event, error) {
	var e Event
	var seen bool
	for {
		line, err := s.readLine(seen || e.ID != "")
		if err != nil {
			return e, s.conn.failed(err)
		}
		switch {
		case len(line) == 0 && seen:
			return e, nil
		case len(line) == 0 || line[0] == ':':
		default:
			if err := e.field(line, &seen); err != nil {
				return e, s.conn.failed(err)
			}
		}
	}
}

// Close ends the stream from this side.
func (s *Events) Close() { s.conn.Close() }

// End waits for the end of a stream whose last event has come; see Conn.End.
func (s *Events) End() error { return s.conn.End() }

func (s *Events) readLine(within bool) ([]byte, error) {
	if err := s.conn.conn.SetReadDeadline(time.Now().Add(s.silence)); err != nil {
		return nil, err
	}
	s.line = s.line[:0]
	for {
		part, err := s.conn.r.ReadSlice('\n')
		s.line = append(s.line, part...)
		switch {
		case len(s.line) > MaxEventLine:
			return nil, malformed("an event line of more than %d bytes", MaxEventLine)
		case err == nil:
			return s.line[:len(s.line)-1], nil
		case len(part) == 0 || len(part) < s.conn.r.Size(): // not because the buffer was full
			if within || len(s.line) > 0 {
				err = cut(err)
			}
			return nil, err
		}
	}
}

// field takes in a line that is neither empty nor a comment.
func (e *Event) field(line []byte, seen *bool) error {
	name, value, ok := bytes.Cut(line, []byte(": "))
	if !ok {
		return malformed("event line %q", clip(line))
	}
	switch string(name) {
	case "retry":
		_, err := number(value)
		return err
	case "id":
		e.ID = string(value)
	case "data":
		if *seen {
			return malformed("an event with two lines of data")
		}
		*seen = true
		if err := json.Unmarshal(value, e); err != nil || e.Type == "" {
			return malformed("event data %q", clip(value))
		}
	default:
		return malformed("event field %q", clip(name))
	}
	return nil
}

// Sequence checks the events of one session for loss and doubling, over as many
// connections as it takes. The zero value waits for the session's first event.
type Sequence struct {
	Taken   uint64 // events that came for the first time
	Lost    uint64 // numbers that never came, those that the server owned up to in a gap included
	Doubled uint64 // events that had come before
	Wrong   uint64 // events whose id does not agree with their number, or with the journal's epoch
	Ended   bool   // the terminal event has come
	Failure string // what its error event said; "" = it was a complete event

	last   uint64
	lastID string
	epoch  string
	text   strings.Builder
}

// LastID is what a reconnect names as Last-Event-ID; "" before the first event.
func (q *Sequence) LastID() string { return q.lastID }

// Text is the tokens' texts in order.
func (q *Sequence) Text() string { return q.text.String() }

// Take checks the next event.
func (q *Sequence) Take(e Event) {
	if e.Terminal() && e.ID == "" { // the server's own, not the journal's: it has no number
		q.end(e)
		return
	}
	q.checkID(e)
	if e.Type == "gap" {
		q.Lost += e.Missed
		q.last = max(q.last, e.Seq)
		return
	}
	if e.Seq <= q.last {
		q.Doubled++
		return
	}
	q.Lost += e.Seq - q.last - 1
	q.last = e.Seq
	q.Taken++
	q.text.WriteString(e.Text)
	if e.Terminal() {
		q.end(e)
	}
}

func (q *Sequence) end(e Event) {
	q.Ended = true
	if e.Type == "error" {
		q.Failure = fmt.Sprintf("error event: %s", e.ErrorMsg)
	}
}

// checkID compares an id, `EPOCH.NUMBER`, with the event's number and the epoch.
func (q *Sequence) checkID(e Event) {
	epoch, number, ok := strings.Cut(e.ID, ".")
	number = strings.TrimSuffix(number, ".") // of the last event of a stream
	if !ok || number != strconv.FormatUint(e.Seq, 10) || q.epoch != "" && q.epoch != epoch {
		q.Wrong++
	}
	q.epoch, q.lastID = epoch, e.ID
}
