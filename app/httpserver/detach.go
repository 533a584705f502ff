package httpserver

import (
	"net"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// noDescriptor answers a request whose connection cannot be detached, where fasthttp cannot answer any more.
const noDescriptor = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// Detach takes the request's connection from the server and from Go's runtime once the handler has returned: no answer
// is sent, and take gets a nonblocking descriptor that it owns, which is all that is left of the connection here. Where
// no descriptor is left, the client gets a 503, and take the error.
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

// socketOf is the connection below fasthttp's wrapper and ours.
func socketOf(wrapped net.Conn) net.Conn {
	if hijacked, ok := wrapped.(interface{ UnsafeConn() net.Conn }); ok {
		wrapped = hijacked.UnsafeConn()
	}
	if c, ok := wrapped.(*conn); ok {
		return c.TCPConn
	}
	return wrapped
}

// duplicate gives a second descriptor of a connection, nonblocking as the first.
func duplicate(conn net.Conn) (fd int, err error) {
	err = withDescriptor(conn, func(own int) (err error) {
		fd, err = unix.FcntlInt(uintptr(own), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	return fd, err
}
