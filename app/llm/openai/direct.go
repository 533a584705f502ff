package openai

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxDirectBytes = 32 << 10 // of a request: it fits into the socket's buffer, so that the write does not wait for the response
	maxHeaderBytes = 64 << 10 // of a response
	maxInterim     = 5        // 1xx responses before a response
)

// directTransport makes plain HTTP/1.1 calls on the caller's goroutine. net/http's Transport uses two goroutines per
// connection, which doubles the cost of a call to a nearby model. Only a short POST to an http:// address without a
// proxy is made directly; net/http handles the rest: HTTPS (and thus HTTP/2), proxies, and long requests. Each of the
// two keeps at most Options.MaxConns connections.
type directTransport struct {
	*http.Transport
	dialer net.Dialer
	slots  chan struct{} // one element for each call in progress
	idle   idleConns
}

func newDirectTransport(o Options) *directTransport {
	return &directTransport{
		Transport: newTransport(o, nil),
		dialer:    net.Dialer{Timeout: o.ConnectTimeout, KeepAlive: 30 * time.Second},
		slots:     make(chan struct{}, o.MaxConns),
	}
}

// CloseIdleConnections is called by http.Client.CloseIdleConnections.
func (t *directTransport) CloseIdleConnections() {
	t.idle.close()
	t.Transport.CloseIdleConnections()
}

// RoundTrip implements http.RoundTripper. If a call on an idle connection fails before the first byte of the response,
// it is repeated once on a new connection, because the server may have closed the idle one at that moment. The end of
// the request's context ends the call and closes its connection.
func (t *directTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.takes(req) {
		return t.Transport.RoundTrip(req)
	}
	request, err := wireForm(req)
	if err != nil {
		return nil, err
	}
	select {
	case t.slots <- struct{}{}:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	resp, err := t.exchange(req, request)
	if err != nil {
		<-t.slots
		return nil, err
	}
	return resp, nil
}

// takes reports whether a request is made directly. A request with an invalid address or header goes to net/http, which
// refuses it.
func (t *directTransport) takes(req *http.Request) bool {
	if req.URL.Scheme != "http" || req.Method != http.MethodPost || req.ContentLength <= 0 || req.ContentLength > maxDirectBytes || !isPlain(req.URL.Host) {
		return false
	}
	for _, values := range req.Header {
		for _, value := range values {
			if !isPlain(value) {
				return false
			}
		}
	}
	proxy, err := t.Proxy(req)
	return proxy == nil && err == nil
}

// isPlain reports whether a text is not empty and has only printable ASCII characters.
func isPlain(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// wireForm returns a request in HTTP/1.1 format.
func wireForm(req *http.Request) ([]byte, error) {
	defer func() { _ = req.Body.Close() }()
	var b bytes.Buffer
	b.Grow(512 + int(req.ContentLength) + bytes.MinRead) // ReadFrom, which CopyN calls, needs this much free space
	b.WriteString("POST " + req.URL.RequestURI() + " HTTP/1.1\r\nHost: " + req.URL.Host + "\r\n")
	req.Header.Set("Content-Length", strconv.FormatInt(req.ContentLength, 10))
	if err := req.Header.Write(&b); err != nil {
		return nil, err
	}
	b.WriteString("\r\n")
	_, err := io.CopyN(&b, req.Body, req.ContentLength)
	return b.Bytes(), err
}

// exchange makes the call, on an idle connection if there is one.
func (t *directTransport) exchange(req *http.Request, request []byte) (*http.Response, error) {
	if conn := t.idle.take(req.URL.Host); conn != nil {
		resp, err := t.exchangeOn(conn, req, request)
		if err == nil || conn.answered || req.Context().Err() != nil {
			return resp, err
		}
	}
	conn, err := t.dial(req.Context(), req.URL.Host)
	if err != nil {
		return nil, err
	}
	return t.exchangeOn(conn, req, request)
}

func (t *directTransport) dial(ctx context.Context, host string) (*directConn, error) {
	address := host
	if _, _, err := net.SplitHostPort(host); err != nil {
		address = net.JoinHostPort(strings.Trim(host, "[]"), "80")
	}
	conn, err := t.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &directConn{Conn: conn, host: host}
	c.reader = bufio.NewReaderSize(c, firstBytes)
	return c, nil
}

// exchangeOn makes the call on a connection, and closes the connection if the call fails. Otherwise the response's body
// returns it to the pool.
func (t *directTransport) exchangeOn(conn *directConn, req *http.Request, request []byte) (*http.Response, error) {
	stop := context.AfterFunc(req.Context(), func() { _ = conn.Close() })
	conn.left, conn.answered = maxHeaderBytes, false
	_, errWrite := conn.Write(request)
	resp, err := conn.readResponse(req) // even after a failed write: a server that refuses a request may not read it
	if err != nil {
		stop()
		_ = conn.Close()
		return nil, errors.Join(errWrite, err)
	}
	conn.left = -1
	resp.Body = &directBody{ReadCloser: resp.Body, conn: conn, transport: t, stop: stop, reusable: errWrite == nil && !resp.Close}
	return resp, nil
}

// directConn is a connection to an upstream. It is used by one goroutine at a time.
type directConn struct {
	net.Conn
	host     string
	reader   *bufio.Reader
	left     int64     // bytes of headers allowed; below 0 = the body is being read, which its reader limits
	answered bool      // the first byte of the response has arrived
	since    time.Time // when it became idle
}

var errLongHeader = errors.New("response header longer than the limit")

// Read reads from the connection; the buffered reader calls it.
func (c *directConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errLongHeader
	}
	n, err := c.Conn.Read(p)
	c.answered = c.answered || n > 0
	if c.left > 0 {
		c.left = max(c.left-int64(n), 0)
	}
	return n, err
}

// readResponse reads the status line and the headers of the final response.
func (c *directConn) readResponse(req *http.Request) (*http.Response, error) {
	for range maxInterim + 1 {
		resp, err := http.ReadResponse(c.reader, req)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
	return nil, errors.New("too many interim responses")
}

// directBody is the body of a response.
type directBody struct {
	io.ReadCloser
	conn      *directConn
	transport *directTransport
	stop      func() bool
	reusable  bool
	err       error // why reading ended: end of the body, a failure, or Close
}

// Read returns the connection to the pool at the end of the body. Later calls return the last error again, because a
// caller that reads ahead may ignore it the first time.
func (b *directBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end(err, b.reusable && errors.Is(err, io.EOF))
	}
	return n, err
}

// Close closes the connection unless the body was read to its end, so that the upstream stops generating an answer that
// is no longer read.
func (b *directBody) Close() error {
	b.end(http.ErrBodyReadAfterClose, false)
	return nil
}

func (b *directBody) end(why error, reusable bool) {
	if b.err != nil {
		return
	}
	b.err = why
	if !b.stop() || !reusable || b.conn.reader.Buffered() > 0 || !b.transport.idle.put(b.conn) {
		_ = b.conn.Close()
	}
	<-b.transport.slots
}
