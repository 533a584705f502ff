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

// The kinds of event. KindComplete and KindError are terminal: each run ends with
// exactly one of them.
const (
	KindStart    Kind = "start"
	KindProgress Kind = "progress"
	KindToken    Kind = "token"
	KindItem     Kind = "item"
	KindComplete Kind = "complete"
	KindError    Kind = "error"
	KindGap      Kind = "gap"
)

// Terminal reports whether nothing of the run follows an event of this kind.
func (k Kind) Terminal() bool { return k == KindComplete || k == KindError }

// Event is one thing a client may watch. Fields is a JSON object without `type`,
// `seq` and `run_id`; Data puts them in front of it.
type Event struct {
	Kind   Kind
	Seq    uint64 // grows by 1 per session, from 1; given by the journal
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

// ErrorFields are the fields of an error event.
func ErrorFields(err error) json.RawMessage {
	e := AsError(err)
	// Marshalling strings and numbers cannot fail.
	fields, _ := json.Marshal(struct {
		Error      string `json:"error"`
		Code       Code   `json:"code"`
		Retryable  bool   `json:"retryable"`
		RetryAfter int64  `json:"retry_after_seconds,omitempty"` // if known
	}{e.Message, e.Code.Public(), e.Retryable(), int64((e.RetryAfter + time.Second - 1) / time.Second)})
	return fields
}

// NoRun is the run_id of an event that belongs to no run: the nil UUID.
const NoRun = "00000000-0000-0000-0000-000000000000"

// Data is the event's `data:` line: one JSON object, no line breaks. run is the id of
// the event's run; "" means NoRun.
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

// Position is a place in a session's journal: the event with number Seq of the
// journal's life Epoch. The zero Position is before every event.
type Position struct {
	Epoch uint64
	Seq   uint64
}

// String is the position as an event's `id:`, e.g. "3k7x1c0a.42".
func (p Position) String() string {
	return strconv.FormatUint(p.Epoch, 36) + "." + strconv.FormatUint(p.Seq, 10)
}

// ParsePosition reads what String wrote. It refuses anything else, also other
// spellings of the same numbers, and anything over 40 bytes.
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

// LastID is the id of an event after which the server ends the stream: the position, a dot, and the run of which it is the end.
// A client that comes back with such an id has seen that end, which the server knows then without its journal.
func (p Position) LastID(run string) string { return p.String() + "." + run }

// EventID is what an event's id tells.
type EventID struct {
	Position
	Last bool   // it was the last event of its stream
	Run  string // of the last event; "" = not told
}

// ParseEventID reads an event's id. It refuses what neither String nor LastID wrote, but takes any run.
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

// Batch is what a journal has after a position. Its events are of one run.
type Batch struct {
	Missed uint64   // events asked for that are no longer kept; told as a gap
	Events []Event  // in order, without holes
	Run    string   // the id of the events' run; without events, of the newest one
	Next   Position // where to go on from
	Ended  bool     // no run that was asked for is open, and Next is after its last event
}
