package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const (
	heldStreams   = 10_000
	heldBound     = 150_000_000 // memory of the load tool with all streams open
	filesNeeded   = heldStreams + 500
	eventsHead    = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	healthyAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{\"status\":\"healthy\"}"
)

// holdStreams answers on one goroutine: a stream's head, and then nothing.
func holdStreams(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-ended })
	go func() {
		defer close(ended)
		for r := bufio.NewReader(nil); ; {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close() // closes all of them at the end
			r.Reset(conn)
			switch request, err := http.ReadRequest(r); {
			case err != nil: // only a check of whether the server listens
			case request.URL.Path == "/health":
				io.WriteString(conn, healthyAnswer)
			default:
				io.WriteString(conn, eventsHead)
			}
		}
	}()
	return "http://" + listener.Addr().String()
}

// interruptAt runs a command, interrupts it (Ctrl-C) as soon as it prints a line with the text, and returns its output.
func interruptAt(t *testing.T, cmd *exec.Cmd, text string) string {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	interrupted := false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		out.WriteString(lines.Text() + "\n")
		if !interrupted && strings.Contains(lines.Text(), text) { // a second interrupt would end it without a report
			interrupted = true
			_ = cmd.Process.Signal(syscall.SIGINT)
		}
	}
	_ = cmd.Wait() // its status says that it was interrupted
	return out.String()
}

func TestTenThousandStreamsAreHeldWithinTheirBound(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Max < filesNeeded {
		t.Skipf("this machine lets a process have %d files, %d are needed", files.Max, filesNeeded)
	}
	files.Cur = files.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(build(t), "-scenario", "idle-streams", "-streams", "10000", "-d", "5m", holdStreams(t))
	out := interruptAt(t, cmd, " 10000 requests,")
	for _, want := range []string{"Failed: 0\n", "Streams broken: 0\n", "Streams open at the end: 10000\n"} {
		if !strings.Contains(out, want) {
			t.Fatalf("no %q in\n%s", want, out)
		}
	}
	most := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024
	t.Logf("%d streams in %.1f MB", heldStreams, float64(most)/1e6)
	if most > heldBound {
		t.Errorf("%d bytes, want at most %d", most, heldBound)
	}
}
