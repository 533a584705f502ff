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
	study.KindItem, // last: the relay sends a kind as its place in this list
}

// CheckEvent refuses an event that a run may not send or that would break a reader (CodeInvalid), and
// one whose fields have more than maxBytes (CodeTooLarge).
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

// ErrorEvent makes the error event that ends a run or a stream that its writer did not end.
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

// TokenText gives the inside of the string in {"text":"…"}, still escaped. It is not ok
// if the fields are spelled differently or hold more.
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

// AppendText appends the text of another token, as TokenText gave it, to the fields of one. It changes
// fields in place.
func AppendText(fields, text []byte) []byte {
	fields = append(fields[:len(fields)-len(textEnd)], text...)
	return append(fields, textEnd...)
}

// MaxJoinedBytes bounds the fields of a token event that takes the text of later ones.
const MaxJoinedBytes = 1 << 10

// JoinTokens gives the fields of one token event with the texts of two, in a new
// buffer. It is not ok if one of them holds more than a text, or the two together have
// more than MaxJoinedBytes.
func JoinTokens(fields, next []byte) (joined []byte, ok bool) {
	a, okA := TokenText(fields)
	b, okB := TokenText(next)
	if !okA || !okB || len(a)+len(next) > MaxJoinedBytes {
		return nil, false
	}
	return AppendText(append(make([]byte, 0, len(fields)+len(b)), fields...), b), true
}
