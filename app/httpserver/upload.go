package httpserver

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"time"

	"github.com/valyala/fasthttp"
)

// BodyLength returns the announced length of a request's body; -1 = chunked.
func BodyLength(ctx *fasthttp.RequestCtx) int64 {
	if c, ok := ctx.Conn().(*conn); ok {
		return int64(c.body.length)
	}
	return 0
}

// errTooLarge is the error of a chunked body that exceeds the limit.
var errTooLarge = errors.New("the body is too large")

// CopyBody passes a request's body of up to most bytes to to, which must not retain it in the worker's heap: it is for
// bodies larger than MaxBodyBytes. The status is 0, or the status to refuse the request with: 413, 408 or 400; err is
// to's own error. It blocks for up to two minutes. During that time the request does not count as in flight, as with
// ReadBody.
func (s *Server) CopyBody(ctx *fasthttp.RequestCtx, most int64, to func(io.Reader) error) (status int, err error) {
	c, ok := ctx.Conn().(*conn)
	if !ok || c.body.length == 0 {
		return 0, to(eof{})
	}
	if int64(c.body.length) > most {
		return http.StatusRequestEntityTooLarge, nil
	}
	c.conns.requests.end(c.request)
	defer c.conns.requests.resume(c.request)
	body := &bodyReader{conn: c, until: time.Now().Add(c.conns.bodies.Longest)}
	err = body.begin()
	if err == nil {
		err = body.copy(to, most)
	}
	switch {
	case errors.Is(err, errTooLarge):
		return http.StatusRequestEntityTooLarge, nil
	case errors.Is(body.failed, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, nil
	case body.failed != nil, errors.Is(err, io.ErrUnexpectedEOF):
		return http.StatusBadRequest, nil
	}
	return 0, err
}

// eof is an empty body.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// copy passes the body to a function and discards what the function does not read. After an error, and after a chunked
// body, whose trailer stays unread, the connection ends with the answer.
func (r *bodyReader) copy(to func(io.Reader) error, most int64) error {
	length := r.conn.body.length
	if length < 0 {
		chunks := &limited{r: httputil.NewChunkedReader(bufio.NewReader(r)), left: most}
		return errors.Join(to(chunks), chunks.failed)
	}
	content := &io.LimitedReader{R: r, N: int64(length)}
	if err := to(content); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	if content.N > 0 {
		return io.ErrUnexpectedEOF
	}
	r.conn.body = framing{}
	return nil
}

// limited returns errTooLarge where io.LimitedReader would return io.EOF.
type limited struct {
	r      io.Reader
	left   int64
	failed error // error of the chunk decoder
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		err = errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.failed = err
	}
	return n, err
}
