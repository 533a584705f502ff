package httpserver

import (
	"net"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// noDescriptor is the answer if a connection cannot be detached; fasthttp cannot answer any more at that point.
const noDescriptor = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// Detach removes the request's connection from the server and from Go's runtime after the handler has returned. No
// answer is sent, and take gets a nonblocking descriptor that it owns: nothing else of the connection remains in the
// server. If the process has no descriptor left, the client gets a 503, and take the error.
func Detach(ctx *fasthttp.RequestCtx, take func(fd int, err error)) {
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(hijacked net.Conn) {
		defer func() { _ = hijacked.Close() }() // the duplicate of the descriptor stays open
		fd, err := duplicate(socketOf(hijacked))
		if err != nil {
			_, _ = hijacked.Write([]byte(noDescriptor))
		}
		take(fd, err)
	})
}

// socketOf returns the connection inside fasthttp's wrapper and ours.
func socketOf(wrapped net.Conn) net.Conn {
	if hijacked, ok := wrapped.(interface{ UnsafeConn() net.Conn }); ok {
		wrapped = hijacked.UnsafeConn()
	}
	if c, ok := wrapped.(*conn); ok {
		return c.TCPConn
	}
	return wrapped
}

// duplicate returns a second descriptor of a connection, nonblocking like the first.
func duplicate(conn net.Conn) (fd int, err error) {
	err = withDescriptor(conn, func(own int) (err error) {
		fd, err = unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	return fd, err
}
