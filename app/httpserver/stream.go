package httpserver

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// streamFor is the longest that an answer of StreamAnswer may take.
const streamFor = 10 * time.Minute

var errStreamPanic = errors.New("a panic while an answer was written")

// StreamAnswer makes what write writes the body of an answer whose length is not known, so that it is never in memory
// as a whole. write runs in a goroutine of its own, when the head is being sent; it must stop at the first error of its
// writer, which comes when the client has left, takes nothing for a window of Options.Answers, or after ten minutes.
// Where write fails, the connection is closed before the body's end: the client sees that the answer is not whole. done
// is called once nothing of the answer is sent any more.
func StreamAnswer(ctx *fasthttp.RequestCtx, write func(io.Writer) error, done func()) {
	if c, ok := ctx.Conn().(*conn); ok {
		c.streamUntil = time.Now().Add(streamFor)
		if !c.bounded {
			c.bounded = true
			c.boundKernel()
		}
	}
	ctx.Response.SetBodyStream(newAnswerStream(write, done), -1)
}

// answerStream is the reader of what write writes; write begins with the first Read.
type answerStream struct {
	*io.PipeReader
	begin, done func()
}

func newAnswerStream(write func(io.Writer) error, done func()) *answerStream {
	from, to := io.Pipe()
	begin := func() {
		go func() {
			err := errStreamPanic
			defer func() {
				_ = recover() // a panic here would end the process
				_ = to.CloseWithError(err)
			}()
			err = write(to)
		}()
	}
	return &answerStream{from, sync.OnceFunc(begin), sync.OnceFunc(done)}
}

// Read implements io.Reader.
func (s *answerStream) Read(p []byte) (int, error) {
	s.begin()
	return s.PipeReader.Read(p)
}

// Close ends the answer; fasthttp calls it in any case.
func (s *answerStream) Close() error {
	s.done()
	return s.PipeReader.Close()
}

// writeStream writes a part of a streamed answer: each has a window of the pace, and all have until streamUntil.
func (c *conn) writeStream(p []byte) (int, error) {
	until := time.Now().Add(c.conns.answers.Window)
	if until.After(c.streamUntil) {
		until = c.streamUntil
	}
	if err := c.SetWriteDeadline(until); err != nil {
		return 0, err
	}
	return c.TCPConn.Write(p)
}
