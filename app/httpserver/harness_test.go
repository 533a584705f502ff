package httpserver

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"studysharper/app/memory/shm"
	"studysharper/app/metrics"
	"studysharper/app/testkit"
)

// service is a server on a real socket. Its handler reads the body of requests for /read only, and answers them with
// 200 and others with 404; refused heads get a plain answer.
type service struct {
	t       *testing.T
	server  *Server
	address string
	own     *metrics.Entry
}

func serve(t *testing.T, change ...func(*Options)) *service {
	t.Helper()
	board := metrics.NewBoard(shm.Local(metrics.BoardSize))
	page, _ := board.Claim(0, 1)
	f := &service{t: t, own: board.Worker(page)}
	o := Options{Methods: methods, MaxBodyBytes: 64 << 10, TransitBytes: 1 << 20, Board: board, Own: f.own,
		Handler: f.handle, Refuse: func(ctx *fasthttp.RequestCtx, status int) { ctx.SetStatusCode(status) }}
	for _, c := range change {
		c(&o)
	}
	f.server = New(o)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(listener.(*net.TCPListener)) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		f.server.EndConnections()
		err := f.server.Shutdown(ctx)
		f.until("no connection is open", func() bool { return f.open() == 0 })
		if err := errors.Join(err, <-served); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return f
}

func (f *service) handle(ctx *fasthttp.RequestCtx) {
	status := fasthttp.StatusNotFound
	if string(ctx.Path()) == "/read" {
		if status = f.server.ReadBody(ctx); status == 0 {
			status = fasthttp.StatusOK
		}
	}
	ctx.SetStatusCode(status)
}

func (f *service) open() int64 { return f.own.Gauge(metrics.Connections) }

// until waits for a state of the server.
func (f *service) until(what string, is func() bool) {
	f.t.Helper()
	testkit.Eventually(f.t, what, is)
}

// dial opens a connection and sends a request on it, or the beginning of one.
func (f *service) dial(request string) net.Conn {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		f.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		f.t.Fatal(err)
	}
	return conn
}

// status returns the status of the next answer on a connection, for example "HTTP/1.1 200".
func status(t *testing.T, conn net.Conn) string {
	t.Helper()
	line := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, line); err != nil {
		t.Fatal(err)
	}
	return string(line)
}
