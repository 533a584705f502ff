package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"studysharper/app/stream/eventstream"
	"studysharper/app/study"
)

// MaxEvent is the size limit of an event of a stream, in bytes.
const MaxEvent = 1 << 20

// Event is one event of a session's stream.
type Event struct {
	ID       string `json:"-"` // of this event, or the last one before it that has an id
	Type     string `json:"type"`
	Seq      uint64 `json:"seq"`
	Text     string `json:"text"`   // of a token
	Missed   uint64 `json:"missed"` // of a gap
	ErrorMsg string `json:"error"`  // of an error
}

// Terminal reports whether the run has ended with this event.
func (e Event) Terminal() bool { return e.Type == "complete" || e.Type == "error" }

// Events reads the events of one stream. The stream has no transfer coding, so it ends when the connection does.
type Events struct {
	conn   *Conn
	reader *eventstream.Reader
}

// Next waits for the next event. Its errors are *Failures; Closed is the end of the stream between two events. An event
// that does not have the service's form (no name, one line of JSON with a type) is Malformed.
func (s *Events) Next() (Event, error) {
	raw, err := s.reader.Next()
	if errors.Is(err, io.EOF) && s.reader.Partial() {
		err = io.ErrUnexpectedEOF
	}
	if problem, ok := errors.AsType[*study.Error](err); ok {
		err = malformed("%s", problem.Message)
	}
	if err != nil {
		return Event{}, s.conn.failed(err)
	}
	e := Event{ID: raw.ID}
	if bytes.IndexByte(raw.Data, '\n') >= 0 || raw.Name != "message" || json.Unmarshal(raw.Data, &e) != nil || e.Type == "" {
		return e, s.conn.failed(malformed("event %q with data %q", raw.Name, clip(raw.Data)))
	}
	return e, nil
}

// Close closes the stream from this side.
func (s *Events) Close() { s.conn.Close() }

// End waits for the end of a stream whose last event has arrived; see Conn.End.
func (s *Events) End() error { return s.conn.End() }

// Sequence checks the events of one session for loss and duplication, across any number of connections. The zero value
// waits for the session's first event.
type Sequence struct {
	Taken   uint64 // events that came for the first time
	Lost    uint64 // numbers that never came, including those that a gap event announced
	Doubled uint64 // events that had come before
	Wrong   uint64 // events whose id does not match their number or the journal's epoch
	Ended   bool   // the terminal event has come
	Failure string // the message of its error event; "" = it ended with a complete event

	last   uint64
	lastID string
	epoch  string
	text   strings.Builder
}

// LastID returns the Last-Event-ID of a reconnect; "" before the first event.
func (q *Sequence) LastID() string { return q.lastID }

// Text returns the texts of the tokens, joined.
func (q *Sequence) Text() string { return q.text.String() }

// Take checks the next event.
func (q *Sequence) Take(e Event) {
	if e.Terminal() && e.ID == "" { // it is from the server and not from the journal, and has no number
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
	number, _, _ = strings.Cut(number, ".") // in a stream's last event, the number is followed by the run
	if !ok || number != strconv.FormatUint(e.Seq, 10) || q.epoch != "" && q.epoch != epoch {
		q.Wrong++
	}
	q.epoch, q.lastID = epoch, e.ID
}
