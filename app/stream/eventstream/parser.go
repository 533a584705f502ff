package eventstream

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"studysharper/app/study"
)

// Limits bound what a Parser or a Reader buffers. Zero takes the default.
type Limits struct {
	Line  int // bytes of one line without its line ending; default 64 KiB
	Event int // bytes of one event's data as sent; default 1 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Line == 0 {
		l.Line = 64 << 10
	}
	if l.Event == 0 {
		l.Event = 1 << 20
	}
	return l
}

// Event is one dispatched event.
type Event struct {
	ID   string // the last id in the stream, of this event or an earlier one
	Name string // the event field; "message" if there is none
	Data []byte // lines joined by LF, valid UTF-8; overwritten by the next call of Next
}

// Parser parses an event stream from the chunks in which it arrives, by the WHATWG's rules for "interpreting an event
// stream": one BOM is skipped, lines end with LF, CR or CRLF, comments and unknown fields are ignored, ill-formed UTF-8
// becomes U+FFFD, and an event cut off by the end of the stream is dropped. Between two chunks it buffers the
// unfinished line and event, within the Limits, and nothing of an event that came in one chunk. The zero value is ready
// to parse a stream.
type Parser struct {
	line    []byte // the start of an unfinished line
	begun   bool   // the first line has been read
	afterCR bool   // the last line ended with CR: an LF now belongs to it

	name    string
	data    []byte // owned
	chunk   []byte // the only data line so far, in the caller's chunk
	hasData bool
	id      string // takes effect at the next empty line
	lastID  string
	retry   time.Duration
	retries bool
}

// LastID returns the id to reconnect with, even if it came without an event.
func (p *Parser) LastID() string { return p.lastID }

// Retry returns the last reconnection time that the stream set, and whether it set one. Values above 2^31-1 ms count as
// 2^31-1 ms.
func (p *Parser) Retry() (time.Duration, bool) { return p.retry, p.retries }

// Partial reports whether the stream has stopped in the middle of a line or an event.
func (p *Parser) Partial() bool {
	return len(p.line) > 0 || p.hasData || p.name != "" || p.id != p.lastID
}

// Next parses chunk up to the end of the next event, and returns the rest of the chunk. ok is false if chunk ends
// before the event does; the next chunk then continues it. The event's data may alias chunk. A line or an event over
// its limit is a *study.Error with CodeTooLarge, after which the Parser must not be used.
func (p *Parser) Next(chunk []byte, limits Limits) (event Event, rest []byte, ok bool, err error) {
	limits = limits.withDefaults()
	for {
		line, rest, ended, err := p.nextLine(chunk, limits.Line)
		if err != nil || !ended {
			p.keep()
			return Event{}, nil, false, err
		}
		chunk = rest
		if len(line) > 0 {
			if err := p.field(line, limits.Event); err != nil {
				return Event{}, nil, false, err
			}
			continue
		}
		if event, ok := p.dispatch(); ok {
			return event, chunk, true, nil
		}
	}
}

// nextLine returns the next line without its line ending, as soon as that ending has arrived. It never waits for the LF
// that may follow a CR.
func (p *Parser) nextLine(chunk []byte, limit int) (line, rest []byte, ended bool, err error) {
	if p.afterCR && len(chunk) > 0 {
		p.afterCR = false
		chunk = bytes.TrimPrefix(chunk, []byte("\n"))
	}
	end := bytes.IndexAny(chunk, "\r\n")
	if length := len(p.line) + max(end, 0); length > limit || end < 0 && length+len(chunk) > limit {
		return nil, nil, false, study.Errorf(study.CodeTooLarge, "a line of the event stream is longer than %d bytes", limit)
	}
	if end < 0 {
		p.keep() // the pending data line may be in p.line, which grows now
		p.line = append(p.line, chunk...)
		return nil, nil, false, nil
	}
	p.afterCR = chunk[end] == '\r'
	line = chunk[:end]
	if len(p.line) > 0 {
		p.keep()
		p.line = append(p.line, line...)
		line, p.line = p.line, p.line[:0]
	}
	if !p.begun {
		p.begun = true
		line = bytes.TrimPrefix(line, []byte("\uFEFF"))
	}
	return line, chunk[end+1:], true, nil
}

// field parses one line that is not empty.
func (p *Parser) field(line []byte, limit int) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		return p.addData(value, limit)
	case "event":
		p.name = string(wellFormed(value))
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			p.id = string(wellFormed(value))
		}
	case "retry":
		p.setRetry(value)
	}
	return nil
}

// addData adds a data line. The first one stays in the caller's chunk until it is clear that the chunk does not contain
// the whole event.
func (p *Parser) addData(value []byte, limit int) error {
	size := len(value)
	if p.hasData {
		p.keep()
		size += len(p.data) + 1
	}
	if size > limit {
		return study.Errorf(study.CodeTooLarge, "an event of the event stream is larger than %d bytes", limit)
	}
	if !p.hasData {
		p.chunk, p.hasData = value, true
		return nil
	}
	p.data = append(append(p.data, '\n'), value...)
	return nil
}

// keep copies the data line that is still in the caller's chunk.
func (p *Parser) keep() {
	if p.chunk != nil {
		p.data = append(p.data, p.chunk...)
		p.chunk = nil
	}
}

func (p *Parser) setRetry(value []byte) {
	for _, c := range value {
		if c < '0' || c > '9' {
			return
		}
	}
	if len(value) == 0 {
		return
	}
	// Only the range can be wrong here, and then ParseInt returns the nearest value.
	ms, _ := strconv.ParseInt(string(value), 10, 64)
	p.retry, p.retries = time.Duration(min(ms, math.MaxInt32))*time.Millisecond, true
}

// dispatch ends the current event; one without data only sets the last id.
func (p *Parser) dispatch() (Event, bool) {
	p.lastID = p.id
	data := p.chunk
	if data == nil {
		data = p.data
	}
	event := Event{ID: p.lastID, Name: p.name, Data: wellFormed(data)}
	if event.Name == "" {
		event.Name = "message"
	}
	dispatched := p.hasData
	p.name, p.data, p.chunk, p.hasData = "", p.data[:0], nil, false
	return event, dispatched
}
