package study

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is the `type` of an event on the wire.
type Kind string

// The kinds of event. KindComplete and KindError are terminal: each run ends with exactly one of them.
const (
	KindStart    Kind = "start"
	KindProgress Kind = "progress"
	KindToken    Kind = "token"
	KindItem     Kind = "item"
	KindComplete Kind = "complete"
	KindError    Kind = "error"
	KindGap      Kind = "gap"
)

// Terminal reports whether an event of this kind is the last event of a run.
func (k Kind) Terminal() bool { return k == KindComplete || k == KindError }

// Event is one event that a client may watch. Fields is a JSON object without `type`, `seq` and `run_id`; Data adds
// them at its beginning.
type Event struct {
	Kind   Kind
	Seq    uint64 // increases by 1 within a session, from 1; assigned by the journal
	Fields json.RawMessage
}

// NewEvent marshals fields, a struct or map that becomes a JSON object.
func NewEvent(kind Kind, fields any) (Event, error) {
	raw, err := json.Marshal(fields)
	if err != nil {
		return Event{}, fmt.Errorf("marshal %s event: %w", kind, err)
	}
	if len(raw) < 2 || raw[0] != '{' {
		return Event{}, fmt.Errorf("%s event: fields are not a JSON object", kind)
	}
	return Event{Kind: kind, Fields: raw}, nil
}

// ErrorFields returns the fields of an error event.
func ErrorFields(err error) json.RawMessage {
	e := AsError(err)
	// Strings and numbers can always be marshalled.
	fields, _ := json.Marshal(struct {
		Error      string `json:"error"`
		Code       Code   `json:"code"`
		Retryable  bool   `json:"retryable"`
		RetryAfter int64  `json:"retry_after_seconds,omitempty"` // if known
	}{e.Message, e.Code.Public(), e.Retryable(), int64((e.RetryAfter + time.Second - 1) / time.Second)})
	return fields
}

// NoRun is the run_id of an event that does not belong to a run: the nil UUID.
const NoRun = "00000000-0000-0000-0000-000000000000"

// Data returns the event's `data:` line: one JSON object without line breaks. run is the id of the event's run; ""
// means NoRun.
func (e Event) Data(run string) []byte {
	out := make([]byte, 0, len(e.Fields)+100)
	out = append(out, `{"type":"`...)
	out = append(out, e.Kind...)
	out = append(out, `","seq":`...)
	out = strconv.AppendUint(out, e.Seq, 10)
	out = append(out, `,"run_id":"`...)
	out = append(out, cmp.Or(run, NoRun)...)
	out = append(out, '"')
	if len(e.Fields) > 2 {
		out = append(out, ',')
		return append(out, e.Fields[1:]...)
	}
	return append(out, '}')
}

// Position is a place in a session's journal: the event with number Seq of the journal's epoch. The zero Position is
// before every event.
type Position struct {
	Epoch uint64
	Seq   uint64
}

// String returns the position as an event's `id:`, e.g. "3k7x1c0a.42".
func (p Position) String() string {
	return strconv.FormatUint(p.Epoch, 36) + "." + strconv.FormatUint(p.Seq, 10)
}

// ParsePosition parses the output of String. It refuses anything else, including other spellings of the same numbers,
// and anything over 40 bytes.
func ParsePosition(s string) (Position, error) {
	epoch, seq, ok := strings.Cut(s, ".")
	if !ok || len(s) > 40 {
		return Position{}, Errorf(CodeInvalid, "not a position of an event stream")
	}
	e, errE := strconv.ParseUint(epoch, 36, 64)
	n, errN := strconv.ParseUint(seq, 10, 64)
	p := Position{Epoch: e, Seq: n}
	if errE != nil || errN != nil || p.String() != s {
		return Position{}, Errorf(CodeInvalid, "not a position of an event stream")
	}
	return p, nil
}

// LastID returns the id of an event after which the server ends the stream: the position, a dot, and the id of the run
// that ended. If a client reconnects with such an id, the server knows without the journal that the client has seen the
// end of the run.
func (p Position) LastID(run string) string { return p.String() + "." + run }

// EventID is a parsed event id.
type EventID struct {
	Position
	Last bool   // the event was the last one of its stream
	Run  string // of the last event; "" = unknown
}

// ParseEventID parses the output of String or LastID and refuses anything else; it does not check the form of the run
// id.
func ParseEventID(s string) (id EventID, err error) {
	if at := strings.LastIndexByte(s, '.'); strings.Count(s, ".") == 2 && len(s)-at <= maxRunID {
		id.Last, id.Run, s = true, s[at+1:], s[:at]
	}
	if id.Position, err = ParsePosition(s); err != nil {
		return EventID{}, err
	}
	return id, nil
}

// maxRunID is the length of a UUID and a dot.
const maxRunID = 37

// Batch contains the events of a journal after a position. They belong to one run.
type Batch struct {
	Missed uint64   // requested events that are no longer kept; clients get a gap event
	Events []Event  // in order, without gaps
	Run    string   // the id of the events' run; if there are no events, of the newest run
	Next   Position // where to continue
	Ended  bool     // none of the requested runs is open, and Next is after the last event
}
