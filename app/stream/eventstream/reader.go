package eventstream

import (
	"bufio"
	"io"
	"time"
	"unicode/utf8"
)

// Reader reads the events of a stream with a Parser. It is not safe for concurrent use.
type Reader struct {
	src    *bufio.Reader
	limits Limits
	parser Parser
	err    error // what ended the stream; returned by every later call
}

// NewReader returns a Reader of src, from which it may read more than the events it returns.
func NewReader(src io.Reader, limits Limits) *Reader {
	return &Reader{src: bufio.NewReader(src), limits: limits}
}

// LastID returns the id to reconnect with, even if it came without an event.
func (r *Reader) LastID() string { return r.parser.LastID() }

// Retry returns the last reconnection time that the stream set, and whether it set one; see Parser.Retry.
func (r *Reader) Retry() (time.Duration, bool) { return r.parser.Retry() }

// Partial reports whether the stream has ended in the middle of a line or an event.
func (r *Reader) Partial() bool { return r.parser.Partial() }

// Next waits for the next event. The error is io.EOF at the end of the stream, a *study.Error with CodeTooLarge for a
// line or an event over its limit, and otherwise the source's. Every call after an error returns the same error.
func (r *Reader) Next() (Event, error) {
	for r.err == nil {
		if _, err := r.src.Peek(1); err != nil {
			r.err = err
			break
		}
		chunk, _ := r.src.Peek(r.src.Buffered())
		event, rest, ok, err := r.parser.Next(chunk, r.limits)
		_, _ = r.src.Discard(len(chunk) - len(rest)) // cannot fail: the bytes are buffered
		if r.err = err; ok {
			return event, nil
		}
	}
	return Event{}, r.err
}

// wellFormed implements the "UTF-8 decode" of the WHATWG Encoding standard: it returns b
// itself if it is valid UTF-8, otherwise a copy in which each maximal invalid subpart is
// replaced by U+FFFD.
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

// subpart returns the length of the ill-formed start of b that counts as one error.
func subpart(b []byte) int {
	n := 1
	for n < len(b) && !utf8.FullRune(b[:n+1]) {
		n++
	}
	return n
}
