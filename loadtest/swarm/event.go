package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The bounds of what a server may send.
const (
	maxHead  = 16 << 10
	maxEvent = 1 << 20
)

// Event is one event. ID and Data are the Swarm's again when the call that was given
// them returns.
type Event struct {
	ID   []byte
	Data []byte // the JSON
	Type string // one of the service's kinds, or "" for none of them
	Seq  uint64
	At   time.Time // when it was read
}

// kinds are the types of event, so that an event's Type needs no memory of its own.
var kinds = []string{"token", "progress", "start", "complete", "error", "gap"}

const (
	dataStart = `{"type":"`
	seqStart  = `","seq":`
	textStart = `,"text":"`
)

// parse reads an event's lines, those up to the empty one. Not ok: they are a comment
// or a retry line, and no event. retry is 0 where none was said.
func parse(block []byte) (e Event, retry time.Duration, ok bool) {
	for line := range bytes.Lines(block) {
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "id":
			e.ID = value
		case "data":
			e.Data, ok = value, true
		case "retry":
			ms, err := strconv.ParseUint(string(value), 10, 31)
			if err == nil {
				retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
	if ok {
		e.read()
	}
	return e, retry, ok
}

// read takes type and seq from the front of the JSON.
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

// numbered tells whether the event is one of the service's, with an id whose end is
// its number.
func (e Event) numbered() bool {
	id := bytes.TrimSuffix(e.ID, []byte(".")) // of the last event of a stream
	dot := bytes.LastIndexByte(id, '.')
	if e.Type == "" || dot < 0 {
		return false
	}
	seq, err := strconv.ParseUint(string(id[dot+1:]), 10, 64)
	return err == nil && seq == e.Seq
}

// Text is a token event's text, as encoded in the JSON; nil for other events.
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

// ErrNoStream is why a stream breaks whose response is not from this service.
var ErrNoStream = errors.New("a response that is not an event stream of this service")

// parseHead reads a response's head, its empty line included.
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

// blockEnd finds the empty line that ends an event, from index from on: end is where
// the lines of the event end, next where the next event begins. -1: it has not come.
func blockEnd(b []byte, from int) (end, next int) {
	for i := from; ; {
		lf := bytes.IndexByte(b[i:], '\n')
		if lf < 0 {
			return -1, -1
		}
		i += lf + 1
		switch {
		case i < len(b) && b[i] == '\n':
			return i, i + 1
		case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
			return i, i + 2
		}
	}
}
