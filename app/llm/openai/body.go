package openai

import (
	"bufio"
	"errors"
	"io"
	"sync"
)

const (
	firstBytes = 4 << 10   // initial buffer for a plain response
	growBytes  = 512 << 10 // largest buffer that grows by doubling
)

// readers is a pool of buffered readers of firstBytes for responses.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, firstBytes) }}

// readAll reads r to its end. If size is above 0, r has at most size bytes. r itself must fail beyond limit bytes. The
// buffer doubles while it is small and then jumps to the limit, because growing a large buffer needs twice its memory.
func readAll(r io.Reader, size int64, limit int) ([]byte, error) {
	first := min(firstBytes, limit+1)
	if size > 0 && size < int64(first) {
		first = int(size) + 1 // EOF is read after the last byte
	}
	buf := make([]byte, 0, first)
	for {
		if len(buf) == cap(buf) {
			size := min(2*cap(buf), limit+1)
			if size > growBytes {
				size = limit + 1
			}
			buf = append(make([]byte, 0, size), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// boundedReader fails with errRawBytes once it has read more than left bytes.
type boundedReader struct {
	r    io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(len(p), b.left+1)])
	if n > b.left {
		return 0, errRawBytes
	}
	b.left -= n
	return n, err
}

// skipBlank skips a byte order mark and white space, which some upstreams send to keep a connection alive, and returns
// the first byte of the rest without reading it.
func skipBlank(r *bufio.Reader) (byte, error) {
	for {
		next, err := r.Peek(1)
		if err != nil {
			return 0, err
		}
		switch next[0] {
		case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf:
			_, _ = r.Discard(1) // Peek has buffered it
		default:
			return next[0], nil
		}
	}
}

// beginsEvents reports whether a body begins like an event stream.
func beginsEvents(r *bufio.Reader) bool {
	for _, field := range []string{":", "id:", "data:", "event:", "retry:"} {
		if next, _ := r.Peek(1); next[0] != field[0] {
			continue
		}
		if next, _ := r.Peek(len(field)); string(next) == field {
			return true
		}
	}
	return false
}
