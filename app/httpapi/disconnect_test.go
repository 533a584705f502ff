package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// longPost returns a chat as raw bytes.
func longPost() string {
	return fmt.Sprintf("POST /api/ai/agent-test HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(chat), chat)
}

func TestFault_L11_RunOfAClientThatLeftIsCancelled(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"closes":               func(c *net.TCPConn) error { return c.Close() },
		"ends its side":        func(c *net.TCPConn) error { return c.CloseWrite() },
		"resets":               func(c *net.TCPConn) error { _ = c.SetLinger(0); return c.Close() },
		"closes behind a post": func(c *net.TCPConn) error { _, _ = io.WriteString(c, longPost()); return c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Logf("the run ended after %v", ended(t, leave))
		})
	}
}

// ended starts a run, disconnects its client after a while, and returns the time until the run's end.
func ended(t *testing.T, leave func(*net.TCPConn) error) time.Duration {
	t.Helper()
	f := serve(t)
	begun, over := make(chan struct{}, 2), make(chan error, 2)
	f.runs.wait = func(ctx context.Context) error {
		begun <- struct{}{}
		<-ctx.Done()
		over <- context.Cause(ctx)
		return context.Cause(ctx)
	}
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, longPost()); err != nil {
		t.Fatal(err)
	}
	<-begun
	began := time.Now()
	if err := leave(conn.(*net.TCPConn)); err != nil {
		t.Fatal(err)
	}
	if err := <-over; err != errLeft {
		t.Errorf("the cause is %v", err)
	}
	took := time.Since(began)
	if log := f.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says %s", log)
	}
	return took
}

func TestClientThatWaitsIsNotTakenForGone(t *testing.T) {
	f := serve(t)
	f.runs.wait = func(ctx context.Context) error { return wait(ctx, 170*time.Millisecond) }
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, longPost()+longPost()); err != nil { // the second one stays unread
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	for range 2 {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 {
			t.Errorf("%d %s, %v", res.StatusCode, body, err)
		}
	}
}

// wait waits for a duration, or returns the cause if ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
