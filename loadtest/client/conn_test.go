package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const answered = "HTTP/1.1 200 OK\r\nX-Request-ID: 1\r\nContent-Length: 2\r\n\r\nhi"

// serve answers each connection with a function of the test's.
func serveRaw(t *testing.T, answer func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn.(*net.TCPConn))
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

// patient is a timeout that a slow machine does not reach.
const patient = 20 * time.Second

func dial(t *testing.T, to netip.AddrPort, timeout time.Duration) *Conn {
	t.Helper()
	conn, err := Dial(context.Background(), to, netip.Addr{}, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// takeGet reads one request without a body; false = the client is gone.
func takeGet(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	return err == nil && req.Method == http.MethodGet
}

const ask = "GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: 1\r\n\r\n"

// says answers the first request successfully and the second with text, and then closes.
func says(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		r := bufio.NewReader(conn)
		takeGet(r)
		_, _ = io.WriteString(conn, answered)
		takeGet(r)
		_, _ = io.WriteString(conn, text)
	}
}

func resetSecond(conn *net.TCPConn) {
	r := bufio.NewReader(conn)
	takeGet(r)
	_, _ = io.WriteString(conn, answered)
	takeGet(r)
	_ = conn.SetLinger(0)
}

func TestDoNamesWhatAMisbehavingServerDid(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*net.TCPConn)
		want   Kind
		usable bool
	}{
		"closed before the response":    {answer: says(""), want: Closed},
		"cut in the head":               {answer: says("HTTP/1.1 200 OK\r\nContent-"), want: Cut},
		"cut in the body":               {answer: says("HTTP/1.1 200 OK\r\nX-Request-ID: 1\r\nContent-Length: 9\r\n\r\nhalf"), want: Cut},
		"reset":                         {answer: resetSecond, want: Reset},
		"silent":                        {answer: func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }, want: Timeout},
		"no HTTP":                       {answer: says("220 mail.example ESMTP\r\n"), want: Malformed},
		"without length":                {answer: says("HTTP/1.1 200 OK\r\nX-Request-ID: 1\r\nConnection: close\r\n\r\nhi"), want: Malformed},
		"another's response":            {answer: says(strings.Replace(answered, "ID: 1", "ID: 2", 1)), want: Mixed},
		"response to nobody":            {answer: says(strings.Replace(answered, "X-Request-ID: 1\r\n", "", 1)), want: Mixed},
		"two responses for one request": {answer: says(ok + ok), want: Mixed},
		"other status, alive":           {answer: says(strings.Replace(answered, "200 OK", "503 No", 1)), want: StatusKind(503), usable: true},
		"other status, said goodbye":    {answer: says(strings.Replace(answered, "200 OK", "503 No\r\nConnection: close", 1)), want: StatusKind(503)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nth, timeout := 2, patient
			if c.want == Timeout {
				nth, timeout = 1, 50*time.Millisecond
			}
			conn := dial(t, serveRaw(t, c.answer), timeout)
			for range nth - 1 {
				if _, err := conn.Do([]byte(ask), "1"); err != nil {
					t.Fatal("the first request:", err)
				}
			}
			_, err := conn.Do([]byte(ask), "1")
			f, is := errors.AsType[*Failure](err)
			if !is || f.Kind != c.want || f.Nth != nth || f.Port != conn.Port() || f.At.IsZero() {
				t.Errorf("got %+v, want %s on request %d", err, c.want, nth)
			}
			if conn.Usable() != c.usable {
				t.Errorf("usable: %t", conn.Usable())
			}
		})
	}
}

func TestDoNeverTriesAgain(t *testing.T) {
	var connections, requests atomic.Int64
	to := serveRaw(t, func(conn *net.TCPConn) {
		connections.Add(1)
		r := bufio.NewReader(conn)
		for n := requests.Add(1); takeGet(r) && n == 1; n = requests.Add(1) {
			_, _ = io.WriteString(conn, answered)
		}
	})
	conn := dial(t, to, patient)
	if _, err := conn.Do([]byte(ask), "1"); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Do([]byte(ask), "1")
	if f, is := errors.AsType[*Failure](err); !is || f.Kind != Closed {
		t.Errorf("got %v", err)
	}
	if connections.Load() != 1 || requests.Load() != 2 {
		t.Errorf("%d connections, %d requests", connections.Load(), requests.Load())
	}
}

func TestDialNamesARefusal(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := listener.Addr().(*net.TCPAddr).AddrPort()
	listener.Close()
	_, err = Dial(context.Background(), to, netip.Addr{}, time.Second)
	if f, is := errors.AsType[*Failure](err); !is || f.Kind != Refused || f.Nth != 0 {
		t.Errorf("got %v", err)
	}
}

func TestDialComesFromTheAddressAskedFor(t *testing.T) {
	from := netip.AddrFrom4([4]byte{127, 0, 0, 9})
	seen := make(chan string, 1)
	to := serveRaw(t, func(conn *net.TCPConn) { seen <- conn.RemoteAddr().String() })
	conn, err := Dial(context.Background(), to, from, patient)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if want := fmt.Sprintf("127.0.0.9:%d", conn.Port()); <-seen != want {
		t.Errorf("not from %s", want)
	}
}

func TestDialKindBlamesThisMachineForItsOwnWants(t *testing.T) {
	_, err := Dial(context.Background(), netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddr("192.0.2.1"), time.Second)
	if f, is := errors.AsType[*Failure](err); !is || f.Kind != Exhausted {
		t.Errorf("an address that is not ours: got %v", err)
	}
	if kind := dialFailure(context.Background(), os.ErrDeadlineExceeded); kind != Timeout {
		t.Errorf("a deadline: got %s", kind)
	}
}

func TestEndWantsTheServerToKeepItsWord(t *testing.T) {
	goodbye := strings.Replace(answered, "200 OK", "200 OK\r\nConnection: close", 1)
	for name, c := range map[string]struct {
		behind func(*net.TCPConn)
		want   Kind
	}{
		"closes":      {func(*net.TCPConn) {}, ""},
		"resets":      {func(conn *net.TCPConn) { _ = conn.SetLinger(0) }, ""},
		"continues":   {func(conn *net.TCPConn) { _, _ = io.WriteString(conn, answered) }, Mixed},
		"stays there": {func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }, Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			released, timeout := make(chan struct{}), patient
			if c.want == Timeout {
				timeout = 500 * time.Millisecond
			}
			conn := dial(t, serveRaw(t, func(conn *net.TCPConn) {
				takeGet(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, goodbye)
				<-released
				c.behind(conn)
			}), timeout)
			_, err := conn.Do([]byte(ask), "1")
			close(released)
			if err != nil || conn.Usable() {
				t.Fatalf("%v, usable %t", err, conn.Usable())
			}
			err = conn.End()
			f, is := errors.AsType[*Failure](err)
			if c.want == "" && err != nil || c.want != "" && (!is || f.Kind != c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
