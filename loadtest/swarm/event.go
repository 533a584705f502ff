package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"studysharper/app/stream/eventstream"
)

// Size limits of what a server may send, in bytes.
const maxHead = 16 << 10

var limits = eventstream.Limits{Line: 1 << 20, Event: 1 << 20}

// Event is one event. Data is only valid during the call that receives it.
type Event struct {
	ID   string
	Data []byte // the JSON
	Type string // one of kinds, or "" for any other
	Seq  uint64
	At   time.Time // when it was read
}

// kinds are the types of event. An event's Type is one of these strings, so it needs no memory of its own.
var kinds = []string{"token", "progress", "start", "complete", "error", "gap"}

const (
	dataStart = `{"type":"`
	seqStart  = `","seq":`
	textStart = `,"text":"`
)

// read parses type and seq, which the service writes at the start of the JSON.
func (e *Event) read() {
	rest, ok := bytes.CutPrefix(e.Data, []byte(dataStart))
	kind, rest, cut := bytes.Cut(rest, []byte(seqStart))
	if !ok || !cut {
		return
	}
	for _, known := range kinds {
		if string(kind) == known {
			e.Type = known
		}
	}
	for _, digit := range rest {
		if digit < '0' || digit > '9' {
			break
		}
		e.Seq = 10*e.Seq + uint64(digit-'0')
	}
}

// numbered reports whether the event is one of the service's and its id contains its number.
func (e Event) numbered() bool {
	parts := strings.Split(e.ID, ".") // epoch, number, and for a stream's last event the run
	if e.Type == "" || len(parts) < 2 || len(parts) > 3 {
		return false
	}
	seq, err := strconv.ParseUint(parts[1], 10, 64)
	return err == nil && seq == e.Seq
}

// Text returns a token event's text, as encoded in the JSON; nil for other events.
func (e Event) Text() []byte {
	_, rest, ok := bytes.Cut(e.Data, []byte(textStart))
	text, closed := bytes.CutSuffix(rest, []byte(`"}`))
	if e.Type != "token" || !ok || !closed {
		return nil
	}
	return text
}

// response is a response's head.
type response struct {
	status     int
	retryAfter string
}

// ErrNoStream is the error of a stream whose response is not an event stream of this service.
var ErrNoStream = errors.New("a response that is not an event stream of this service")

// parseHead parses a response's head, including its empty line.
func parseHead(head string) (response, error) {
	line, rest, _ := strings.Cut(head, "\r\n")
	version, after, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(after, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(version, "HTTP/1.") {
		return response{}, fmt.Errorf("%w: %.40q", ErrNoStream, line)
	}
	r := response{status: status}
	kind := ""
	for field := range strings.SplitSeq(rest, "\r\n") {
		name, value, _ := strings.Cut(field, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "content-type":
			kind = value
		case "retry-after":
			r.retryAfter = value
		case "transfer-encoding":
			return r, fmt.Errorf("%w: transfer encoding %.40q", ErrNoStream, value)
		}
	}
	if status == 200 && !strings.HasPrefix(kind, "text/event-stream") {
		return r, fmt.Errorf("%w: type %.40q", ErrNoStream, kind)
	}
	return r, nil
}
