package client

import "fmt"

// Request is one request in wire form. Make it with Target.Request; it may be sent over any connection, any number of
// times.
type Request struct {
	bytes  []byte
	closed bool
}

// Options are the optional parts of a request.
type Options struct {
	Header string // additional header lines, each with its CRLF
	Close  bool   // use the connection for this request only
}

// Request encodes a request for a path below the target's. body is JSON; nil = none.
func (t *Target) Request(method, path string, body []byte, o Options) Request {
	b := make([]byte, 0, 256+len(body)+len(o.Header))
	b = fmt.Appendf(b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: studysharper-loadtest\r\n", method, t.Path(path), t.URL.Host)
	if t.Token != "" {
		b = fmt.Appendf(b, "Authorization: Bearer %s\r\n", t.Token)
	}
	if body != nil {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	if o.Close {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(append(b, o.Header...), "\r\n"...)
	return Request{bytes: append(b, body...), closed: o.Close}
}
