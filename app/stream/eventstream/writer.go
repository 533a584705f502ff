// Package eventstream implements the wire format text/event-stream, as the HTML standard of
// the WHATWG defines it in "server-sent events": functions that append framed events to a
// byte slice, and a Reader that parses such a stream. It handles bytes only; the meaning of
// the events is up to the callers. It starts no goroutines and buffers no more than its
// limits allow.
package eventstream

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// AppendEvent appends one event to dst, including its final empty line, and returns the
// extended slice. Data may contain any bytes: each of its lines (ended by LF, CR or CRLF)
// becomes a data field, so a reader sees LF in place of CR and CRLF. Invalid UTF-8 reaches
// readers as U+FFFD.
//
// An empty id writes no id field, so the reader keeps the previous one. An id that contains
// NUL, CR or LF cannot be framed and is left out completely: a shortened id would be
// another event's.
func AppendEvent(dst []byte, id string, data []byte) []byte {
	if id != "" && !strings.ContainsAny(id, "\x00\r\n") {
		dst = append(dst, "id: "...)
		dst = append(dst, id...)
		dst = append(dst, '\n')
	}
	dst = appendLines(dst, "data: ", data)
	return append(dst, '\n')
}

// AppendComment appends a comment, which readers ignore; it keeps a quiet stream alive. It
// may only be placed between events, never inside one.
func AppendComment(dst []byte, text string) []byte {
	dst = appendLines(dst, ": ", []byte(text))
	return append(dst, '\n')
}

// AppendRetry appends the time a client waits before it reconnects, in whole milliseconds;
// a negative time counts as 0.
func AppendRetry(dst []byte, wait time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, max(0, wait.Milliseconds()), 10)
	return append(dst, "\n\n"...)
}

// appendLines writes every line of text after its own field name.
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
