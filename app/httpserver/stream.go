package httpserver

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// streamFor limits the duration of a StreamAnswer.
const streamFor = 10 * time.Minute

var errStreamPanic = errors.New("a panic while an answer was written")

// StreamAnswer sends an answer of unknown length that write writes, so that it is never completely in memory. write
// runs in its own goroutine when the head is being sent. It must stop at the first error of its writer, which occurs
// when the client has disconnected, has read nothing for a window of Options.Answers, or after ten minutes. If write
// fails, the connection is closed before the body's end, so that the client knows that the answer is incomplete. done
// is called when nothing of the answer is sent any more.
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

// answerStream reads what write writes; write starts with the first Read.
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

// Close ends the answer; fasthttp always calls it.
func (s *answerStream) Close() error {
	s.done()
	return s.PipeReader.Close()
}

// writeStream writes a part of a streamed answer. Each part has one window of the pace; all parts together have until
// streamUntil.
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
