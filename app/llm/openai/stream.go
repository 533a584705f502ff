package openai

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"studysharper/app/study"
)

const (
	maxBadLines = 3                      // lines that are not JSON, before the stream is given up
	usageGrace  = 2 * time.Second        // how long to wait for usage and [DONE] after the answer has finished
	endGrace    = 100 * time.Millisecond // how long to wait for the end of the body after [DONE]
	lineSlack   = 64 << 10               // room in a line for what is not text
)

// readEvents reads an event stream until [DONE], the end of the body or a failure.
func (r *responseReader) readEvents() *failure {
	lines := newDataReader(r.body, r.o.MaxAnswerBytes+lineSlack)
	for {
		r.startIdle()
		data, err := lines.next()
		r.idle.stop()
		switch {
		case err != nil:
			return r.endStream(err)
		case string(data) == "[DONE]":
			r.drainBody()
			r.finished = true
			return r.requireText()
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

// readEvent reads the data of one event. A few that are not JSON are skipped.
func (r *responseReader) readEvent(data []byte) *failure {
	r.chunk = wireReply{}
	if json.Unmarshal(data, &r.chunk) != nil {
		if r.badLines++; r.badLines > maxBadLines {
			return newFailure(r.unlessShown(tryAgain), nil, "the AI service sent an invalid stream: not JSON").markUnhealthy()
		}
		return nil
	}
	return r.addReply(&r.chunk)
}

// endStream handles a stream that ends without [DONE]. If the model has finished, only the
// usage may be missing. If the body ends cleanly but the model has not said that it finished,
// the answer is kept and marked as cut.
func (r *responseReader) endStream(err error) *failure {
	callerLeft := r.ctx.Err() != nil && !errors.Is(context.Cause(r.ctx), errSilence)
	switch {
	case callerLeft:
		return r.bodyFailure(err)
	case r.finished:
		return r.requireText()
	case r.ctx.Err() == nil && errors.Is(err, io.EOF) && r.text.Len() > 0:
		r.answer.Cut = study.CutStopped
		return r.requireText()
	default:
		return r.bodyFailure(err)
	}
}

// drainBody reads the body to its end, so that the connection can be reused. It does not
// wait long for an upstream that keeps the body open.
func (r *responseReader) drainBody() {
	r.idle.start(endGrace)
	_, _ = io.CopyN(io.Discard, r.body, 4<<10) // the answer is complete either way
	r.idle.stop()
}

// errLongLine means that a line of a stream exceeds its limit.
var errLongLine = errors.New("stream line longer than the limit")

// dataReader reads an event stream as chat-completions APIs send it: one JSON object per
// `data:` line. It skips comments, other fields and empty lines, and buffers one line at most.
type dataReader struct {
	lines *bufio.Scanner
}

// newDataReader makes a reader of r for lines of at most maxLine bytes, line ends included.
func newDataReader(r io.Reader, maxLine int) *dataReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, min(4<<10, maxLine)), maxLine)
	return &dataReader{lines: lines}
}

// next blocks until a line arrives and returns its data, or nil for a line without data, so
// that the caller sees every sign of life. The slice is valid until the next call. Errors are
// io.EOF at a clean end, errLongLine, and those of the underlying reader.
func (d *dataReader) next() ([]byte, error) {
	if !d.lines.Scan() {
		err := d.lines.Err()
		switch {
		case err == nil:
			return nil, io.EOF
		case errors.Is(err, bufio.ErrTooLong):
			return nil, errLongLine
		default:
			return nil, err
		}
	}
	data, ok := bytes.CutPrefix(d.lines.Bytes(), []byte("data:"))
	if !ok {
		return nil, nil
	}
	return bytes.TrimSpace(data), nil
}
