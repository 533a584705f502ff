package client

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// serve passes each connection to do, with its number from 1.
func serve(t *testing.T, do func(conn *net.TCPConn, r *bufio.Reader, n int)) *Target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for n := 1; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				do(conn.(*net.TCPConn), bufio.NewReader(conn), n)
			}()
		}
	}()
	return resolved(t, "http://"+listener.Addr().String())
}

func resolved(t *testing.T, url string) *Target {
	t.Helper()
	target, err := ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	return target
}

// take reads one request.
func take(r *bufio.Reader) bool {
	request, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err == nil
}

func say(text string) func(*net.TCPConn, *bufio.Reader, int) {
	return func(conn *net.TCPConn, r *bufio.Reader, _ int) {
		if take(r) {
			io.WriteString(conn, text)
		}
	}
}

func TestWhatGoesWrongHasAKindOfItsOwn(t *testing.T) {
	gone := make(chan struct{})
	defer close(gone)
	for name, test := range map[string]struct {
		serve func(*net.TCPConn, *bufio.Reader, int)
		want  Kind
	}{
		"closed before the answer":  {say(""), ResetInFlight},
		"cut in the status line":    {say("HTTP/1"), ResetInFlight},
		"cut in the head":           {say("HTTP/1.1 200 OK\r\nContent-"), ResetInFlight},
		"cut in the body":           {say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"), ResetInFlight},
		"cut in a chunk":            {say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"), ResetInFlight},
		"reset":                     {func(c *net.TCPConn, r *bufio.Reader, _ int) { take(r); c.SetLinger(0) }, ResetInFlight},
		"something else":            {say("-ERR what?\r\n"), Malformed},
		"something else, not ended": {func(c *net.TCPConn, r *bufio.Reader, _ int) { say("220 mail\r\n")(c, r, 1); <-gone }, Malformed},
		"bytes behind the answer":   {say(ok + "HTTP/1.1 200"), Malformed},
		"status":                    {say("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), StatusKind(503)},
		"one byte too long":         {say("HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n"), TooLong},
		"silence":                   {func(*net.TCPConn, *bufio.Reader, int) { <-gone }, Timeout},
		"an answer without end": {func(c *net.TCPConn, r *bufio.Reader, _ int) {
			say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1")(c, r, 1)
			<-gone
		}, Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			c, patience := &Client{Target: serve(t, test.serve)}, time.Minute
			defer c.Close()
			if test.want == Timeout {
				patience = 300 * time.Millisecond
			}
			_, err := c.Do(t.Context(), c.Target.Request("GET", "/x", nil, Options{}), patience)
			if KindOf(err) != test.want {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

func TestAnswersOfEveryFormAreRead(t *testing.T) {
	for name, text := range map[string]string{
		"length": ok, "chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"until the end": "HTTP/1.1 200 OK\r\n\r\nok", "old": "HTTP/1.0 200 OK\r\n\r\nok",
	} {
		c := &Client{Target: serve(t, say(text))}
		for range 2 {
			a, err := c.Do(t.Context(), c.Target.Request("GET", "/x", nil, Options{Close: true}), time.Minute)
			if err != nil || string(a.Body) != "ok" || a.Status != 200 {
				t.Errorf("%s: %v, %+v", name, err, a)
			}
		}
		c.Close()
	}
}

func TestAKeptConnectionThatIsGoneIsResetWhileIdle(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn){"closed": func(*net.TCPConn) {}, "reset": func(c *net.TCPConn) { c.SetLinger(0) }} {
		ended := make(chan struct{}, 9)
		c := &Client{Target: serve(t, func(conn *net.TCPConn, r *bufio.Reader, n int) {
			say(ok)(conn, r, n)
			if n == 1 {
				end(conn)
				conn.Close()
				ended <- struct{}{}
				return
			}
			say(ok)(conn, r, n)
		})}
		request := c.Target.Request("GET", "/x", nil, Options{})
		if _, err := c.Do(t.Context(), request, time.Minute); err != nil {
			t.Fatal(err)
		}
		<-ended
		c.grace = time.Minute // how fast this machine notices is not tested here
		_, err := c.Do(t.Context(), request, time.Minute)
		if KindOf(err) != ResetIdle {
			t.Errorf("%s: %v, want %v", name, err, ResetIdle)
		}
		if _, err := c.Do(t.Context(), request, time.Minute); err != nil {
			t.Errorf("%s: over a new connection: %v", name, err)
		}
		c.Close()
	}
}

func TestAServerThatBreaksLongAfterTheRequestHadIt(t *testing.T) {
	c := &Client{Target: serve(t, func(conn *net.TCPConn, r *bufio.Reader, n int) {
		say(ok)(conn, r, n)
		take(r) // it works on the answer, and then fails
	})}
	defer c.Close()
	request := c.Target.Request("GET", "/x", nil, Options{})
	if _, err := c.Do(t.Context(), request, time.Minute); err != nil {
		t.Fatal(err)
	}
	c.grace = 0 // any time counts as too late
	if _, err := c.Do(t.Context(), request, time.Minute); KindOf(err) != ResetInFlight {
		t.Errorf("%v, want %v", err, ResetInFlight)
	}
}

func TestNobodyListeningIsRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	c := &Client{Target: resolved(t, "http://"+listener.Addr().String())}
	if _, err := c.Do(t.Context(), c.Target.Request("GET", "/", nil, Options{}), time.Minute); KindOf(err) != Refused {
		t.Errorf("%v", err)
	}
	if err := c.Target.Settle(t.Context()); KindOf(err) != Refused {
		t.Errorf("settling: %v", err)
	}
}

func TestAnEndedContextEndsTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := &Client{Target: serve(t, func(_ *net.TCPConn, r *bufio.Reader, _ int) { take(r); cancel(); <-t.Context().Done() })}
	defer c.Close()
	if _, err := c.Do(ctx, c.Target.Request("GET", "/", nil, Options{}), time.Minute); KindOf(err) != Canceled {
		t.Errorf("%v", err)
	}
}

func TestARequestIsWrittenAsTheTargetWantsIt(t *testing.T) {
	target := &Target{Token: "t0k"}
	parsed, err := ParseTarget("http://localhost:8000/base/")
	if err != nil {
		t.Fatal(err)
	}
	target.URL = parsed.URL
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(
		target.Request("POST", "/api/x?y=1", []byte(`{"a":1}`), Options{Header: "X-A: b\r\n", Close: true}).bytes))))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	if r.URL.String() != "/base/api/x?y=1" || r.Host != "localhost:8000" || r.Header.Get("Authorization") != "Bearer t0k" ||
		r.Header.Get("X-A") != "b" || !r.Close || string(body) != `{"a":1}` {
		t.Errorf("%+v with %s", r, body)
	}
}

func TestOnlyAddressesOfThisMachineAreLoopback(t *testing.T) {
	for url, want := range map[string]bool{
		"http://localhost": true, "http://127.0.0.1:8000": true, "http://127.9.9.9": true, "https://[::1]:80": true, "http://[::ffff:127.0.0.1]": true,
		"http://10.0.0.1": false, "http://0.0.0.0": false, "http://[2001:db8::1]": false,
	} {
		if got := resolved(t, url).Loopback(); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
	if (&Target{}).Loopback() {
		t.Error("a target that was not looked up is loopback")
	}
}

func TestWrongTargetsAreNamed(t *testing.T) {
	for _, text := range []string{"localhost:8000", "", "ftp://localhost", "http://", "http://%zz", "http://u:secret@localhost", "http://localhost?a=b", "http://localhost#x"} {
		if _, err := ParseTarget(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
	target, err := ParseTarget("http://localhost:99999")
	if err == nil {
		err = target.Resolve(t.Context())
	}
	if err == nil {
		t.Error("port 99999 is taken")
	}
}

func TestOverTLSTheCertificateMustBeTrusted(t *testing.T) {
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // it logs handshakes that fail, which is intended
	web.StartTLS()
	defer web.Close()
	for url, want := range map[string]Kind{web.URL: Certificate, strings.Replace(web.URL, "https", "http", 1): StatusKind(400)} {
		c := &Client{Target: resolved(t, url)}
		if _, err := c.Do(t.Context(), c.Target.Request("GET", "/", nil, Options{}), time.Minute); KindOf(err) != want {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
		c.Close()
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	c := &Client{Target: resolved(t, strings.Replace(plain.URL, "http", "https", 1))}
	if _, err := c.Do(t.Context(), c.Target.Request("GET", "/", nil, Options{}), time.Minute); KindOf(err) != Malformed {
		t.Errorf("TLS to a server that speaks none: %v", err)
	}
}

func TestARequestIsAnsweredOverTLS(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	defer web.Close()
	c := &Client{Target: resolved(t, web.URL)}
	c.Target.roots = web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	defer c.Close()
	for range 3 {
		a, err := c.Do(t.Context(), c.Target.Request("GET", "/", nil, Options{}), time.Minute)
		if err != nil || string(a.Body) != "ok" {
			t.Errorf("%v, %q", err, a.Body)
		}
	}
}
