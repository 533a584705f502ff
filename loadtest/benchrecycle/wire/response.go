// Package wire speaks HTTP/1.1 and event streams over bare sockets, for measuring
// what a client really sees. The one idea: nothing is forgiven and nothing is tried
// again. net/http's client repeats an idempotent request on its own when a reused
// connection turns out to be closed, which is exactly what has to be counted here.
package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Bounds of a response. Above them it is malformed.
const (
	MaxLine   = 8 << 10 // bytes of the status line or of one header line, with its end
	MaxFields = 64      // header lines
	MaxBody   = 4 << 20 // bytes of a body with a Content-Length
)

// errMalformed is what every violation of RFC 9112, or of the bounds, wraps.
var errMalformed = errors.New("malformed response")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMalformed, fmt.Sprintf(format, args...))
}

// UntilClose is the Length of a body that the connection's end ends.
const UntilClose = -1

// Head is a response's status line and what its headers say about the connection.
type Head struct {
	Status      int
	Length      int    // of the body in bytes; UntilClose
	Close       bool   // the server ends the connection after this response
	RequestID   string // X-Request-ID
	ContentType string
}

// ReadHead reads up to the empty line behind the headers. r's buffer must hold
// MaxLine bytes. It takes HTTP/1.1 in its plainest form: lines end with CRLF, no
// folding, one Content-Length at most, no transfer coding. io.EOF means that nothing
// came at all; io.ErrUnexpectedEOF that the head was cut.
func ReadHead(r *bufio.Reader) (Head, error) {
	line, err := readLine(r)
	if err != nil {
		return Head{}, err
	}
	h := Head{Length: UntilClose}
	if h.Status, err = parseStatus(line); err != nil {
		return h, err
	}
	for range MaxFields + 1 {
		line, err = readLine(r)
		if err != nil {
			return h, cut(err)
		}
		if len(line) == 0 {
			return h, h.settle()
		}
		if err := h.field(line); err != nil {
			return h, err
		}
	}
	return h, malformed("more than %d header lines", MaxFields)
}

// cut says that an end in the middle of something is not a clean one.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readLine gives a line without its CRLF, valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull) || len(line) > MaxLine:
		return nil, malformed("a line of more than %d bytes", MaxLine)
	case err != nil && len(line) > 0:
		return nil, cut(err)
	case err != nil:
		return nil, err
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.IndexByte(line, '\r') >= 0 {
		return nil, malformed("a line without CRLF at its end, or with CR inside")
	}
	return line, nil
}

// parseStatus reads `HTTP/1.1 200 OK`; the reason may be empty, its space not.
func parseStatus(line []byte) (int, error) {
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(rest) < 4 || rest[3] != ' ' {
		return 0, malformed("status line %q", line)
	}
	status, err := number(rest[:3])
	if err != nil || status < 200 || status > 599 {
		return 0, malformed("status %q", rest[:3]) // 1xx: nothing here asks for one
	}
	return status, nil
}

// number reads digits and nothing but digits.
func number(digits []byte) (int, error) {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, malformed("number %q", digits)
		}
	}
	return strconv.Atoi(string(digits))
}

func (h *Head) field(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || !token(name) {
		return malformed("header line %q", line)
	}
	value = bytes.Trim(value, " \t")
	if bytes.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return malformed("control character in header %q", name)
	}
	switch {
	case equalFold(name, "Content-Length"):
		return h.setLength(value)
	case equalFold(name, "Transfer-Encoding"):
		return malformed("transfer coding %q", value)
	case equalFold(name, "Connection"):
		h.Close = h.Close || hasToken(value, "close")
	case equalFold(name, "X-Request-ID"):
		h.RequestID = string(value)
	case equalFold(name, "Content-Type"):
		h.ContentType = string(value)
	}
	return nil
}

func (h *Head) setLength(value []byte) error {
	if h.Length != UntilClose {
		return malformed("two Content-Length headers")
	}
	n, err := number(value)
	if err != nil || len(value) == 0 || n > MaxBody {
		return malformed("Content-Length %q", value)
	}
	h.Length = n
	return nil
}

// settle draws what follows from the whole head.
func (h *Head) settle() error {
	if h.Status == 204 || h.Status == 304 {
		h.Length = 0
	}
	if h.Length == UntilClose && !h.Close {
		return malformed("neither Content-Length nor Connection: close")
	}
	return nil
}

func equalFold(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

func hasToken(list []byte, want string) bool {
	for part := range bytes.SplitSeq(list, []byte(",")) {
		if equalFold(bytes.Trim(part, " \t"), want) {
			return true
		}
	}
	return false
}

// token is RFC 9110's: what a header's name may be made of.
func token(name []byte) bool {
	for _, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) < 0 {
			return false
		}
	}
	return len(name) > 0
}

// readBody appends n bytes of body to dst.
func readBody(r *bufio.Reader, dst []byte, n int) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, n)...)
	_, err := io.ReadFull(r, dst[start:])
	return dst, cut(err)
}
