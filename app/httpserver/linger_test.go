package httpserver

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

const unread = "POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"

func TestClosingInOrderIsBounded(t *testing.T) {
	f := serve(t)
	lingers := &f.server.conns.lingers
	if got := status(t, f.dial(unread)); got != "HTTP/1.1 404" {
		t.Fatal(got)
	}
	f.until("one is being closed", func() bool { return lingers.Load() == 1 })
	f.until("it is closed although its client does not", func() bool { return f.open() == 0 && lingers.Load() == 0 })

	lingers.Store(lingerConns) // the maximum
	if got := status(t, f.dial(unread)); got != "HTTP/1.1 404" {
		t.Error(got)
	}
	f.until("one more is closed at once", func() bool { return f.open() == 0 })
	if n := lingers.Load(); n != lingerConns {
		t.Errorf("%d are being closed in order, want %d", n, lingerConns)
	}
	lingers.Store(0)
}

func TestASmallRefusedRequestIsNotResetWhenTooManyAreBeingClosed(t *testing.T) {
	f := serve(t)
	f.server.conns.lingers.Store(lingerConns)
	body := strings.Repeat("x", 16<<10)
	for range 20 {
		conn := f.dial(fmt.Sprintf("POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 404") || !strings.Contains(string(got), "Connection: close") {
			t.Fatalf("the answer is cut: %v: %.100s", err, got)
		}
	}
	f.server.conns.lingers.Store(0)
}
