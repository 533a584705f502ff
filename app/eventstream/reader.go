package eventstream

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"studysharper/app/study"
)

// Limits bound what a Reader holds. Zero takes the default.
type Limits struct {
	Line  int // bytes of one line without its end; default 64 KiB
	Event int // bytes of one event's data as sent; default 1 MiB
}

// Event is one dispatched event.
type Event struct {
	ID   string // the last id the stream has named, this event's or an earlier one's
	Name string // the event field; "message" where there is none
	Data []byte // lines joined by LF, valid UTF-8; the Reader's until the next call of Next
}

// Reader takes an event stream apart by the rules of the WHATWG's "interpreting an
// event stream": one BOM is skipped, lines end with LF, CR or CRLF, comments and
// unknown fields are passed over, ill-formed UTF-8 becomes U+FFFD, and an event the
// stream ends in the middle of is dropped. It holds one line and one event, within
// its Limits. It is not safe for concurrent use.
type Reader struct {
	src    *bufio.Reader
	limits Limits
	err    error // what ended the stream, for good

	line    []byte
	begun   bool // the first line has been read
	afterCR bool // the last line ended with CR: an LF now belongs to it

	name    string
	data    []byte
	hasData bool
	id      string // named, counts from the next empty line on
	lastID  string
	retry   time.Duration
	retries bool
}

// NewReader makes a Reader of src, which it reads ahead of the events it gives.
func NewReader(src io.Reader, limits Limits) *Reader {
	if limits.Line == 0 {
		limits.Line = 64 << 10
	}
	if limits.Event == 0 {
		limits.Event = 1 << 20
	}
	return &Reader{src: bufio.NewReader(src), limits: limits}
}

// LastID is the id to reconnect with, also where it came without an event.
func (r *Reader) LastID() string { return r.lastID }

// Retry is the reconnection time the stream asked for last, and whether it did.
// More than 2^31-1 ms counts as that.
func (r *Reader) Retry() (time.Duration, bool) { return r.retry, r.retries }

// Next waits for the next event. The end of the stream is io.EOF; a line or an
// event past its limit is a *study.Error with CodeTooLarge; any other error is the
// source's own. Every call after an error gives the same error.
func (r *Reader) Next() (Event, error) {
	for r.err == nil {
		line, err := r.readLine()
		if err != nil {
			r.err = err
			break
		}
		if len(line) > 0 {
			r.err = r.field(line)
			continue
		}
		if event, ok := r.dispatch(); ok {
			return event, nil
		}
	}
	return Event{}, r.err
}

// readLine gives the next line without its end, at once when that end is there: it
// never waits for the LF that may follow a CR. A last line without an end is dropped.
func (r *Reader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	for {
		if _, err := r.src.Peek(1); err != nil {
			return nil, err
		}
		chunk, _ := r.src.Peek(r.src.Buffered())
		skip := 0
		if r.afterCR && chunk[0] == '\n' {
			skip = 1
		}
		r.afterCR = false
		chunk = chunk[skip:]
		end := bytes.IndexAny(chunk, "\r\n")
		used := end + 1
		if end < 0 {
			end, used = len(chunk), len(chunk)
		} else {
			r.afterCR = chunk[end] == '\r'
		}
		if len(r.line)+end > r.limits.Line {
			return nil, study.Errorf(study.CodeTooLarge, "a line of the event stream is longer than %d bytes", r.limits.Line)
		}
		r.line = append(r.line, chunk[:end]...)
		ended := used > end
		_, _ = r.src.Discard(skip + used)
		if ended {
			return r.withoutBOM(r.line), nil
		}
	}
}

// withoutBOM takes the byte order mark off the stream's first line.
func (r *Reader) withoutBOM(line []byte) []byte {
	if r.begun {
		return line
	}
	r.begun = true
	return bytes.TrimPrefix(line, []byte("\uFEFF"))
}

// field takes in one line that is not empty.
func (r *Reader) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		return r.addData(value)
	case "event":
		r.name = string(wellFormed(value))
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			r.id = string(wellFormed(value))
		}
	case "retry":
		r.setRetry(value)
	}
	return nil
}

func (r *Reader) addData(value []byte) error {
	if r.hasData {
		r.data = append(r.data, '\n')
	}
	if len(r.data)+len(value) > r.limits.Event {
		return study.Errorf(study.CodeTooLarge, "an event of the event stream is larger than %d bytes", r.limits.Event)
	}
	r.hasData = true
	r.data = append(r.data, value...)
	return nil
}

func (r *Reader) setRetry(value []byte) {
	for _, c := range value {
		if c < '0' || c > '9' {
			return
		}
	}
	if len(value) == 0 {
		return
	}
	// Digits only, so all that can fail is the range; ParseInt then gives its end.
	ms, _ := strconv.ParseInt(string(value), 10, 64)
	r.retry, r.retries = time.Duration(min(ms, math.MaxInt32))*time.Millisecond, true
}

// dispatch ends the event in the making; one without data only counts for its id.
func (r *Reader) dispatch() (Event, bool) {
	r.lastID = r.id
	event := Event{ID: r.lastID, Name: r.name, Data: wellFormed(r.data)}
	if event.Name == "" {
		event.Name = "message"
	}
	dispatched := r.hasData
	r.name, r.data, r.hasData = "", r.data[:0], false
	return event, dispatched
}

// wellFormed is the "UTF-8 decode" of the WHATWG Encoding standard: b itself when
// it is UTF-8, else a copy in which each maximal invalid subpart became U+FFFD.
func wellFormed(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		char, size := utf8.DecodeRune(b)
		if char == utf8.RuneError && size == 1 {
			size = subpart(b)
		}
		out = utf8.AppendRune(out, char)
		b = b[size:]
	}
	return out
}

// subpart is the length of the ill-formed start of b that counts as one error.
func subpart(b []byte) int {
	n := 1
	for n < len(b) && !utf8.FullRune(b[:n+1]) {
		n++
	}
	return n
}
