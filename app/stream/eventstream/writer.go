// Package eventstream is the wire format of text/event-stream, as the HTML
// standard of the WHATWG defines it in "server-sent events": appenders that frame
// events into a byte slice, and a Reader that takes such a stream apart. It knows
// bytes only; what the events mean is its callers' affair. Nothing in it starts a
// goroutine or holds more than its limits say.
package eventstream

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// AppendEvent appends one event to dst, its final empty line included, and gives
// the longer slice back. Data of any bytes is framed right: each of its lines (LF,
// CR or CRLF ends one) becomes a data field, so a reader sees LF in place of CR and
// CRLF. Bytes that are not UTF-8 reach readers as U+FFFD.
//
// An empty id writes no id field, so the reader keeps the one before. An id that
// holds NUL, CR or LF cannot be framed and is left out whole: a shortened one would
// be another event's.
func AppendEvent(dst []byte, id string, data []byte) []byte {
	if id != "" && !strings.ContainsAny(id, "\x00\r\n") {
		dst = append(dst, "id: "...)
		dst = append(dst, id...)
		dst = append(dst, '\n')
	}
	dst = appendLines(dst, "data: ", data)
	return append(dst, '\n')
}

// AppendComment appends a comment, which readers pass over: bytes that keep a
// quiet stream alive. It may stand between events only, never inside one.
func AppendComment(dst []byte, text string) []byte {
	dst = appendLines(dst, ": ", []byte(text))
	return append(dst, '\n')
}

// AppendRetry appends the time a client waits before it connects again, in whole
// milliseconds; below 0 counts as 0.
func AppendRetry(dst []byte, wait time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, max(0, wait.Milliseconds()), 10)
	return append(dst, "\n\n"...)
}

// appendLines writes every line of text behind a field name of its own.
func appendLines(dst []byte, field string, text []byte) []byte {
	for {
		dst = append(dst, field...)
		end := bytes.IndexAny(text, "\r\n")
		if end < 0 {
			dst = append(dst, text...)
			return append(dst, '\n')
		}
		dst = append(dst, text[:end]...)
		dst = append(dst, '\n')
		if bytes.HasPrefix(text[end:], []byte("\r\n")) {
			end++
		}
		text = text[end+1:]
	}
}
