package openai

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/study"
	"studysharper/app/testkit"
)

const directAnswer = `{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}`

// rawUpstream calls a function for each connection, with the connection's number, from 1, until the test ends.
func rawUpstream(t *testing.T, serve func(n int, conn net.Conn, r *bufio.Reader)) (o Options, conns *atomic.Int32) {
	t.Helper()
	conns = new(atomic.Int32)
	address := testkit.TCPServer(t, func(conn net.Conn) { serve(int(conns.Add(1)), conn, bufio.NewReader(conn)) })
	return Options{BaseURL: "http://" + address + "/v1", APIKey: keyCanary, Model: "first", Timeout: time.Minute}, conns
}

// readCall reads a request to its end.
func readCall(r *bufio.Reader) (*http.Request, error) {
	req, err := http.ReadRequest(r)
	if err == nil {
		_, err = io.Copy(io.Discard, req.Body)
	}
	return req, err
}

func reply(conn net.Conn, head, body string) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

// wantHello makes a call and fails unless the expected answer arrives.
func wantHello(t *testing.T, c *Client) {
	t.Helper()
	if answer, err := c.Generate(t.Context(), prompt(), nil); err != nil || answer.Text != "hello" || answer.Calls != 1 {
		t.Fatalf("got %+v, %v", answer, err)
	}
}

func TestACallKeepsItsConnectionForTheNext(t *testing.T) {
	o, conns := rawUpstream(t, func(_ int, conn net.Conn, r *bufio.Reader) {
		for {
			if _, err := readCall(r); err != nil {
				return
			}
			reply(conn, "", directAnswer)
		}
	})
	c := client(t, o)
	for range 5 {
		wantHello(t, c)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestAConnectionThatSaysCloseIsNotKept(t *testing.T) {
	o, conns := rawUpstream(t, func(_ int, conn net.Conn, r *bufio.Reader) {
		if _, err := readCall(r); err == nil {
			reply(conn, "Connection: close\r\n", directAnswer)
			_, _ = r.ReadByte() // the client closes it
		}
	})
	c := client(t, o)
	wantHello(t, c)
	wantHello(t, c)
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

// A server may close an idle connection at the moment when the client uses it again. To the client, the connection then
// ends without a byte.
func TestACallOnAKeptConnectionThatEndsWithoutAByteIsMadeAgain(t *testing.T) {
	o, conns := rawUpstream(t, func(n int, conn net.Conn, r *bufio.Reader) {
		for i := 0; ; i++ {
			if _, err := readCall(r); err != nil || n == 1 && i == 1 {
				return
			}
			reply(conn, "", directAnswer)
		}
	})
	c := client(t, o)
	wantHello(t, c)
	wantHello(t, c)
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestACallThatEndsAfterAByteOrOnANewConnectionIsNotMadeAgain(t *testing.T) {
	for name, first := range map[string]string{"without a byte, on a new connection": "", "after a byte": "H"} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			o, _ := rawUpstream(t, func(n int, conn net.Conn, r *bufio.Reader) {
				for {
					if _, err := readCall(r); err != nil {
						return
					}
					if calls.Add(1) == 1 && first != "" { // the connection stays open, and breaks during the second call
						reply(conn, "", directAnswer)
						continue
					}
					_, _ = io.WriteString(conn, first)
					return
				}
			})
			transport := newDirectTransport(o.withDefaults())
			defer transport.CloseIdleConnections()
			ask := func() error {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.BaseURL, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := transport.RoundTrip(req)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
				}
				return err
			}
			want := int32(1)
			if first != "" {
				want = 2
				if err := ask(); err != nil {
					t.Fatal(err)
				}
			}
			if err := ask(); err == nil || calls.Load() != want {
				t.Errorf("error %v after %d calls, want one after %d", err, calls.Load(), want)
			}
		})
	}
}

func TestAKeptConnectionOnWhichSomethingCameIsNotUsed(t *testing.T) {
	sent := make(chan struct{})
	o, conns := rawUpstream(t, func(n int, conn net.Conn, r *bufio.Reader) {
		for {
			if _, err := readCall(r); err != nil {
				return
			}
			reply(conn, "", directAnswer)
			if n == 1 {
				_, _ = io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\n\r\n")
				close(sent)
			}
		}
	})
	c := client(t, o)
	wantHello(t, c)
	<-sent
	wantHello(t, c)
	if n := conns.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestTheEndOfACallClosesItsConnection(t *testing.T) {
	for _, begun := range []bool{false, true} {
		t.Run(fmt.Sprintf("answer begun %v", begun), func(t *testing.T) {
			asked, closed := make(chan struct{}), make(chan struct{})
			o, _ := rawUpstream(t, func(_ int, conn net.Conn, r *bufio.Reader) {
				if _, err := readCall(r); err != nil {
					return
				}
				if begun {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
				}
				close(asked)
				_, _ = io.Copy(io.Discard, r)
				close(closed)
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-asked
				cancel(study.Errorf(study.CodeUnavailable, "the client has left"))
			}()
			_, err := client(t, o).Generate(ctx, prompt(), nil)
			wantCode(t, err, study.CodeUnavailable)
			<-closed
		})
	}
}

func TestInterimResponsesAndHeadersAreBounded(t *testing.T) {
	interim := "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	tests := map[string]struct {
		before, head string
		ok           bool
	}{
		"as many interim responses as there may be": {strings.Repeat(interim, maxInterim), "", true},
		"one more":                    {strings.Repeat(interim, maxInterim+1), "", false},
		"a header at the bound":       {"", "X-Long: " + strings.Repeat("a", maxHeaderBytes-200) + "\r\n", true},
		"one that is longer":          {"", "X-Long: " + strings.Repeat("a", maxHeaderBytes+firstBytes) + "\r\n", false},
		"interim ones count with it":  {interim, "X-Long: " + strings.Repeat("a", maxHeaderBytes+firstBytes) + "\r\n", false},
		"a 100-continue nobody wants": {"HTTP/1.1 100 Continue\r\n\r\n", "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o, _ := rawUpstream(t, func(_ int, conn net.Conn, r *bufio.Reader) {
				if _, err := readCall(r); err == nil {
					_, _ = io.WriteString(conn, test.before)
					reply(conn, test.head, directAnswer)
				}
			})
			_, err := client(t, o).Generate(t.Context(), prompt(), nil)
			if (err == nil) != test.ok {
				t.Errorf("error %v", err)
			}
			wantNoCanary(t, err)
		})
	}
}

func TestOnlyShortPlainPostsWithoutAProxyAreMadeDirectly(t *testing.T) {
	transport := newDirectTransport(Options{}.withDefaults())
	transport.Proxy = func(r *http.Request) (address *url.URL, err error) {
		if r.URL.Hostname() == "proxied" {
			return &url.URL{Scheme: "http", Host: "proxy"}, nil
		}
		if r.URL.Hostname() == "refused" {
			return nil, errors.New("the proxy's address is not valid")
		}
		return nil, nil
	}
	long := strings.Repeat("x", maxDirectBytes)
	tests := map[string]struct {
		method, url, body, key string
		want                   bool
	}{
		"a short post":       {"POST", "http://host/v1", "{}", "k", true},
		"at the bound":       {"POST", "http://host/v1", long, "k", true},
		"one byte longer":    {"POST", "http://host/v1", long + "x", "k", false},
		"without a body":     {"POST", "http://host/v1", "", "k", false},
		"a get":              {"GET", "http://host/v1", "{}", "k", false},
		"over TLS":           {"POST", "https://host/v1", "{}", "k", false},
		"with a proxy":       {"POST", "http://proxied/v1", "{}", "k", false},
		"with a bad proxy":   {"POST", "http://refused/v1", "{}", "k", false},
		"a host of letters":  {"POST", "http://bücher/v1", "{}", "k", false},
		"a key with a break": {"POST", "http://host/v1", "{}", "k\r\nX: y", false},
	}
	for name, test := range tests {
		req, err := http.NewRequest(test.method, test.url, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", test.key)
		if got := transport.takes(req); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// The reader reads ahead in the body and ignores errors.
func TestABodyThatNeverComesIsATimeout(t *testing.T) {
	o, _ := rawUpstream(t, func(_ int, conn net.Conn, r *bufio.Reader) {
		if _, err := readCall(r); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n")
			_, _ = r.ReadByte() // until the client closes the connection
		}
	})
	o.Timeout = 100 * time.Millisecond
	if _, err := client(t, o).Generate(t.Context(), prompt(), nil); !study.IsCode(err, study.CodeUpstreamTimeout) {
		t.Errorf("got %v", err)
	}
}
