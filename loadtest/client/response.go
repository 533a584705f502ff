package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"slices"
	"strconv"
)

// Size limits of a response. A response above them is malformed.
const (
	MaxLine   = 8 << 10  // bytes of the status line or of one header line, with its end
	MaxFields = 64       // header lines
	MaxBody   = 16 << 20 // bytes of a body
)

// errMalformed is wrapped by the error of every violation of RFC 9112 or of the limits.
var (
	errMalformed = errors.New("malformed response")
	errTooLong   = fmt.Errorf("%w: a body of more than %d bytes", errMalformed, MaxBody)
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMalformed, fmt.Sprintf(format, args...))
}

// UntilClose is the Length of a body that ends with the connection or, if it is Chunked, with its last chunk.
const UntilClose = -1

// Head is a response's status line and the headers that a client needs.
type Head struct {
	Status      int
	Length      int    // of the body in bytes, or UntilClose
	Chunked     bool   // Transfer-Encoding: chunked
	Close       bool   // the server closes the connection after this response
	Old         bool   // HTTP/1.0
	Cached      bool   // X-Cache: HIT
	RequestID   string // X-Request-ID
	ContentType string
	RetryAfter  string
}

// plain returns an error for a response that does not have the form that the service itself sends: HTTP/1.1 without
// transfer coding, and with a Content-Length or Connection: close.
func (h Head) plain() error {
	switch {
	case h.Old:
		return malformed("HTTP/1.0")
	case h.Chunked:
		return malformed("a transfer coding")
	case h.Length == UntilClose && !h.Close:
		return malformed("neither Content-Length nor Connection: close")
	}
	return nil
}

// ReadHead reads up to the empty line after the headers. r's buffer must hold MaxLine bytes. Lines must end with CRLF
// and not be folded, and there may be at most one Content-Length or a chunked transfer coding. io.EOF means that
// nothing arrived, io.ErrUnexpectedEOF that the head was cut off.
func ReadHead(r *bufio.Reader) (Head, error) {
	line, err := readLine(r)
	if err != nil {
		return Head{}, err
	}
	h := Head{Length: UntilClose}
	if h.Status, h.Old, err = parseStatus(line); err != nil {
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

// cut converts io.EOF to io.ErrUnexpectedEOF.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readLine returns a line without its CRLF, valid until the next read.
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

// parseStatus reads `HTTP/1.1 200 OK`; the reason may be empty, its space may not.
func parseStatus(line []byte) (status int, old bool, err error) {
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok {
		rest, old = bytes.CutPrefix(line, []byte("HTTP/1.0 "))
	}
	if !ok && !old || len(rest) < 4 || rest[3] != ' ' {
		return 0, old, malformed("status line %q", line)
	}
	status, err = number(rest[:3])
	if err != nil || status < 200 || status > 599 {
		return 0, old, malformed("status %q", rest[:3]) // 1xx: no request here asks for one
	}
	return status, old, nil
}

// number parses a number that consists of digits only.
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
		if h.Chunked || !equalFold(value, "chunked") {
			return malformed("transfer coding %q", value)
		}
		h.Chunked = true
	case equalFold(name, "Connection"):
		h.Close = h.Close || hasToken(value, "close")
	case equalFold(name, "X-Cache"):
		h.Cached = string(value) == "HIT"
	case equalFold(name, "Retry-After"):
		h.RetryAfter = string(value)
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
	if err != nil || len(value) == 0 {
		return malformed("Content-Length %q", value)
	}
	if n > MaxBody {
		return errTooLong
	}
	h.Length = n
	return nil
}

// settle validates the whole head.
func (h *Head) settle() error {
	if h.Status == 204 || h.Status == 304 {
		h.Length = 0
	}
	if h.Chunked && h.Length != UntilClose {
		return malformed("both a Content-Length and a transfer coding")
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

// token reports whether name is a token of RFC 9110, which a header's name must be.
func token(name []byte) bool {
	for _, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) < 0 {
			return false
		}
	}
	return len(name) > 0
}

// readBody reads the body that follows a head, into dst if its length is known. The body may end with the connection.
func (h Head) readBody(r *bufio.Reader, dst []byte) ([]byte, error) {
	switch {
	case h.Chunked:
		body, err := readAll(httputil.NewChunkedReader(r))
		if err != nil {
			return nil, err
		}
		if line, err := readLine(r); err != nil || len(line) > 0 {
			return nil, malformed("trailers %q", line)
		}
		return body, nil
	case h.Length == UntilClose:
		return readAll(r)
	}
	body := slices.Grow(dst[:0], h.Length)[:h.Length]
	_, err := io.ReadFull(r, body)
	return body, cut(err)
}

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	if err == nil && len(body) > MaxBody {
		err = errTooLong
	}
	return body, err
}
