package stream

import (
	"bytes"
	"encoding/json"
	"slices"

	"studysharper/app/study"
)

// Kinds are the events that a run may send.
var Kinds = []study.Kind{
	study.KindStart, study.KindProgress, study.KindToken, study.KindComplete, study.KindError,
	study.KindItem, // must stay last: on the relay, a kind is its index in this list
}

// CheckEvent returns CodeInvalid for an event that a run may not send or that would break a reader, and
// CodeTooLarge for one whose fields exceed maxBytes.
func CheckEvent(e study.Event, maxBytes int) error {
	f := e.Fields
	switch {
	case !slices.Contains(Kinds, e.Kind):
		return study.Errorf(study.CodeInvalid, "a run cannot send events of this kind")
	case len(f) > maxBytes:
		return study.Errorf(study.CodeTooLarge, "the event has %d bytes, %d are allowed", len(f), maxBytes)
	case len(f) > 0 && (len(f) < 2 || f[0] != '{' || f[len(f)-1] != '}'):
		return study.Errorf(study.CodeInvalid, "the event's fields are not a JSON object")
	}
	return nil
}

// ErrorEvent returns the error event that ends a run or a stream in place of its writer.
func ErrorEvent(message string, retryable bool) study.Event {
	// Marshalling a string and a bool cannot fail.
	fields, _ := json.Marshal(struct {
		Error     string `json:"error"`
		Retryable bool   `json:"retryable"`
	}{message, retryable})
	return study.Event{Kind: study.KindError, Fields: fields}
}

const (
	textStart = `{"text":"`
	textEnd   = `"}`
)

// TokenText returns the contents of the string in {"text":"…"}, still escaped. ok is false
// if the fields are formatted differently or have other keys.
func TokenText(fields []byte) (text []byte, ok bool) {
	rest, starts := bytes.CutPrefix(fields, []byte(textStart))
	inside, ends := bytes.CutSuffix(rest, []byte(textEnd))
	if !starts || !ends {
		return nil, false
	}
	for i := 0; i < len(inside); i++ {
		switch inside[i] {
		case '\\':
			if i++; i == len(inside) {
				return nil, false
			}
		case '"':
			return nil, false
		}
	}
	return inside, true
}

// AppendText appends text, as returned by TokenText, to the text of a token event's fields. It may
// modify fields in place.
func AppendText(fields, text []byte) []byte {
	fields = append(fields[:len(fields)-len(textEnd)], text...)
	return append(fields, textEnd...)
}

// MaxJoinedBytes limits the fields of a token event to which the text of later tokens is joined.
const MaxJoinedBytes = 1 << 10

// JoinTokens joins the texts of two token events and returns the fields of the joined event
// in a new buffer. ok is false if either has anything but a text, or if both together
// exceed MaxJoinedBytes.
func JoinTokens(fields, next []byte) (joined []byte, ok bool) {
	a, okA := TokenText(fields)
	b, okB := TokenText(next)
	if !okA || !okB || len(a)+len(next) > MaxJoinedBytes {
		return nil, false
	}
	return AppendText(append(make([]byte, 0, len(fields)+len(b)), fields...), b), true
}
