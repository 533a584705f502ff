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

// BodyLength is the announced length of a request's body; -1 = it comes in chunks.
func BodyLength(ctx *fasthttp.RequestCtx) int64 {
	if c, ok := ctx.Conn().(*conn); ok {
		return int64(c.body.length)
	}
	return 0
}

// errTooLarge ends a body in chunks that is longer than it may be.
var errTooLarge = errors.New("the body is too large")

// CopyBody has a request's body of at most most bytes read by to, which keeps none of it in the worker's heap: bodies that
// are too large for MaxBodyBytes. The status is 0, or what the request is to be refused with: 413, 408 or 400; err is to's
// own. It blocks for two minutes at most, and in that time the request is not in flight, as with ReadBody.
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

// copy gives the body to a function. What the function leaves is read too; with an error, or in chunks, whose trailer nobody
// has read, the connection ends with the answer.
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

// limited is errTooLarge where io.LimitedReader ends without a word.
type limited struct {
	r      io.Reader
	left   int64
	failed error // of the chunks
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
