package openai

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errLongLine says that a line of a stream is longer than the bound.
var errLongLine = errors.New("stream line longer than the bound")

// dataReader reads the data of an event stream as chat-completion APIs send it: one
// JSON object a `data:` line. Comments, other fields and empty lines are skipped.
// It holds at most one line.
type dataReader struct {
	lines *bufio.Scanner
}

// newDataReader reads from r lines of at most maxLine bytes, their ends included.
func newDataReader(r io.Reader, maxLine int) *dataReader {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, min(4<<10, maxLine)), maxLine)
	return &dataReader{lines: lines}
}

// next blocks until there is a line, and gives its data, or nil for a line that
// has none: the caller learns of every sign of life. The slice is good until the next call.
// It fails with io.EOF at a clean end, with errLongLine, or as the reader did.
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
