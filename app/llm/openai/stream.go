package openai

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"studysharper/app/study"
)

const (
	maxBadLines = 3                      // malformed objects in a row before the stream fails
	maxWords    = 100                    // events in a row that are not objects
	usageGrace  = 2 * time.Second        // how long to wait for usage and [DONE] after the end of the answer
	endGrace    = 100 * time.Millisecond // how long to wait for the end of the body after [DONE]
	lineSlack   = 64 << 10               // room in a line in addition to text
)

// readEvents reads an event stream until [DONE], the end of the body or a failure.
func (r *responseReader) readEvents() *failure {
	r.streaming = true
	lines := newDataReader(r.body, r.o.MaxAnswerBytes+lineSlack)
	for {
		r.startIdle()
		data, err := lines.next()
		r.idle.stop()
		switch {
		case err != nil:
			return r.endStream(err)
		case isDone(data):
			r.drainBody()
			r.finished = true
			return r.finishText()
		case len(data) == 0:
			continue
		}
		if fail := r.readEvent(data); fail != nil {
			return fail
		}
	}
}

func (r *responseReader) startIdle() {
	if r.finished {
		r.idle.start(min(usageGrace, r.o.IdleTimeout))
		return
	}
	r.idle.start(r.o.IdleTimeout)
}

// readEvent reads the data of one event. It skips words, which some upstreams send to keep a connection alive, and a
// few malformed objects.
func (r *responseReader) readEvent(data []byte) *failure {
	r.chunk = wireReply{}
	if json.Unmarshal(data, &r.chunk) != nil {
		if r.badLines++; r.badLines > maxBadLines && (data[0] == '{' || r.badLines > maxWords) {
			return newFailure(r.unlessShown(tryAgain), nil, "the AI service sent an invalid stream: not JSON").markUnhealthy()
		}
		return nil
	}
	r.badLines = 0
	if r.chunk.Object.equals("error") {
		return r.errorIn(data)
	}
	return r.addReply(&r.chunk)
}

// endStream handles a stream that ends without [DONE]. If the model has finished, only the usage may be missing. If the
// body ends cleanly but the model has not finished, the answer is kept and marked as cut.
func (r *responseReader) endStream(err error) *failure {
	callerLeft := r.ctx.Err() != nil && !errors.Is(context.Cause(r.ctx), errSilence)
	switch {
	case callerLeft:
		return r.bodyFailure(err)
	case r.finished:
		return r.finishText()
	case r.ctx.Err() == nil && errors.Is(err, io.EOF) && (r.text.Len() > 0 || r.deltas.pending != ""):
		r.answer.Cut = study.CutStopped
		return r.finishText()
	default:
		return r.bodyFailure(err)
	}
}

// drainBody reads the body to its end, so that the connection can be reused. It does not wait long if the upstream
// keeps the body open.
func (r *responseReader) drainBody() {
	r.idle.start(endGrace)
	_, _ = io.CopyN(io.Discard, r.body, 4<<10) // the answer is complete either way
	r.idle.stop()
}

// errLongLine means that a line of a stream exceeds its limit.
var errLongLine = errors.New("stream line longer than the limit")

// dataReader reads an event stream as chat-completions APIs send it: one JSON object per `data:` line. It also accepts
// known variants: an object in several data lines, lines that end with CR, and an error in its own field or without a
// field. Everything else is skipped. It buffers at most two lines.
type dataReader struct {
	lines   *bufio.Scanner
	limit   int
	pending []byte // data lines that are not JSON, until the end of the event
	failed  bool   // the event is named error
	afterCR bool   // the last line ended with CR: a following LF belongs to it
}

// newDataReader returns a reader of r for lines of at most maxLine bytes, including line ends.
func newDataReader(r io.Reader, maxLine int) *dataReader {
	d := &dataReader{lines: bufio.NewScanner(r), limit: maxLine}
	d.lines.Buffer(make([]byte, min(4<<10, maxLine)), maxLine)
	d.lines.Split(d.splitLine)
	return d
}

// splitLine is a bufio.SplitFunc for lines that end with LF, CR or both.
func (d *dataReader) splitLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	begin := 0
	if d.afterCR && len(data) > 0 {
		d.afterCR = false
		if data[0] == '\n' {
			begin = 1
		}
	}
	line = data[begin:]
	end := bytes.IndexByte(line, '\n')
	if end >= 0 {
		line = line[:end]
	}
	if cr := bytes.IndexByte(line, '\r'); cr >= 0 {
		end, line, d.afterCR = cr, line[:cr], true
	}
	switch {
	case end >= 0:
		return begin + end + 1, line, nil
	case atEOF && len(line) > 0:
		return len(data), line, nil
	default:
		return begin, nil, nil
	}
}

// next blocks until a line arrives and returns its data, or nil for a line without data, so that the caller sees that
// the upstream is alive. The slice is valid until the next call. Errors are io.EOF at a clean end, errLongLine, and
// those of the underlying reader.
func (d *dataReader) next() ([]byte, error) {
	if !d.lines.Scan() {
		err := d.lines.Err()
		switch {
		case err == nil && len(d.pending) > 0:
			return d.takePending(), nil
		case err == nil:
			return nil, io.EOF
		case errors.Is(err, bufio.ErrTooLong):
			return nil, errLongLine
		default:
			return nil, err
		}
	}
	line := bytes.TrimLeft(d.lines.Bytes(), " ")
	if len(line) == 0 {
		return d.takePending(), nil
	}
	if line[0] == '{' { // llama.cpp, lemonade: an error without a field
		return line, nil
	}
	if data, ok := bytes.CutPrefix(line, []byte("error:")); ok {
		return fmt.Appendf(nil, `{"error":%s}`, data), nil
	}
	if name, ok := bytes.CutPrefix(line, []byte("event:")); ok {
		d.failed = string(bytes.TrimSpace(name)) == "error"
		return nil, nil
	}
	data, ok := bytes.CutPrefix(line, []byte("data:"))
	if !ok {
		return nil, nil
	}
	for data = bytes.TrimSpace(data); bytes.HasPrefix(data, []byte("data:")); { // a proxy may add another field name
		data = bytes.TrimSpace(data[len("data:"):])
	}
	if len(d.pending) == 0 && (isDone(data) || json.Valid(data)) {
		return d.asError(data), nil
	}
	if len(d.pending)+len(data) >= d.limit {
		return nil, errLongLine
	}
	d.pending = append(append(d.pending, data...), '\n')
	return nil, nil
}

// takePending returns the data of an event that has ended; nil = none.
func (d *dataReader) takePending() []byte {
	data := bytes.TrimSpace(d.pending)
	d.pending = d.pending[:0]
	if len(data) == 0 {
		return nil
	}
	return d.asError(data)
}

// asError wraps the data of an event named error in an object with the field error.
func (d *dataReader) asError(data []byte) []byte {
	if !d.failed || bytes.Contains(data, []byte(`"error"`)) {
		return data
	}
	d.failed = false
	if !json.Valid(data) {
		data = []byte(strconv.Quote(strings.ToValidUTF8(string(data), "")))
	}
	return fmt.Appendf(nil, `{"error":%s}`, data)
}

// isDone reports whether data marks the end of a stream.
func isDone(data []byte) bool {
	return len(data) <= len(`"[DONE]"`) && bytes.EqualFold(bytes.Trim(data, `"`), []byte("[DONE]"))
}
