package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	head   = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	within = time.Minute
)

func event(seq int, kind, fields string) string {
	return fmt.Sprintf("id: e1.%d\ndata: {\"type\":\"%s\",\"seq\":%d%s}\n\n", seq, kind, seq, fields)
}

func tokens(from, to int) string {
	var b strings.Builder
	for seq := from; seq <= to; seq++ {
		b.WriteString(event(seq, "token", fmt.Sprintf(`,"text":"t%d "`, seq)))
	}
	return b.String()
}

// serve handles every connection with do, on a separate goroutine.
func serve(t *testing.T, do func(*net.TCPConn, *http.Request)) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { listener.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(within))
				if request := readRequest(conn); request != nil {
					do(conn.(*net.TCPConn), request)
				}
			})
		}
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

func readRequest(conn net.Conn) *http.Request {
	var text []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(text), "\r\n\r\n"); text = append(text, b[0]) {
		if _, err := conn.Read(b); err != nil {
			return nil
		}
	}
	request, _ := http.NewRequest(http.MethodGet, "http://h"+strings.Fields(string(text))[1], nil)
	for line := range strings.SplitSeq(string(text), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			request.Header.Set(name, value)
		}
	}
	return request
}

func start(t *testing.T, o Options) *Swarm {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func await(t *testing.T, s *Swarm, done func(Counts) bool) Counts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	c, err := s.Await(ctx, done)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestManyStreamsAreReadWhole(t *testing.T) {
	const streams, events = 300, 20
	to := serve(t, func(conn *net.TCPConn, _ *http.Request) {
		io.WriteString(conn, head+"retry: 700\n\n: keepalive\n\n"+tokens(1, events)+event(events+1, "complete", ""))
	})
	var mu sync.Mutex
	took := map[*Stream]uint64{}
	s := start(t, Options{Address: to, Loops: 2, Opening: 16, Took: func(st *Stream, e Event) {
		mu.Lock()
		defer mu.Unlock()
		if took[st]++; took[st] != e.Seq {
			t.Errorf("event %d came as number %d", e.Seq, took[st])
		}
	}})
	var all []*Stream
	for range streams {
		all = append(all, s.Stream("/s", StreamOptions{Keep: true}))
	}
	s.Open(all...)
	got := await(t, s, func(c Counts) bool { return c.Ended+c.Broken == streams })
	if want := (Counts{Opened: streams, Ended: streams, Events: streams * (events + 1)}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	for _, st := range all {
		state := st.State()
		if state.LastSeq != events+1 || state.Terminal != "complete" || state.Retry != 700*time.Millisecond ||
			!strings.HasPrefix(st.Text(), "t1 t2 ") || !strings.HasSuffix(st.Text(), "t20 ") {
			t.Fatalf("%+v, text %q", state, st.Text())
		}
	}
}

func TestAStreamCutInTheMiddleOfAnEventGoesOnBehindTheLastWholeOne(t *testing.T) {
	const first = 3
	to := serve(t, func(conn *net.TCPConn, r *http.Request) {
		switch r.Header.Get("Last-Event-ID") {
		case "":
			half := event(first+1, "token", `,"text":"no"`)
			io.WriteString(conn, head+tokens(1, first)+half[:len(half)-1])
		case "e1.3":
			io.WriteString(conn, head+tokens(first+1, 5)+event(6, "complete", ""))
		default:
			t.Errorf("resumed behind %q", r.Header.Get("Last-Event-ID"))
		}
	})
	s := start(t, Options{Address: to})
	st := s.Stream("/s", StreamOptions{Keep: true})
	s.Open(st)
	await(t, s, func(c Counts) bool { return c.Broken == 1 })
	if state := st.State(); !errors.Is(state.Err, io.ErrUnexpectedEOF) || state.LastID != "e1.3" || state.Events != first {
		t.Errorf("after the cut: %+v", state)
	}
	s.Open(st)
	c := await(t, s, func(c Counts) bool { return c.Ended == 1 })
	if c.Lost != 0 || c.Doubled != 0 || c.Events != 6 || st.Text() != "t1 t2 t3 t4 t5 " {
		t.Errorf("%+v, text %q", c, st.Text())
	}
}

func TestLostDoubledAndWrongEventsAreCounted(t *testing.T) {
	to := serve(t, func(conn *net.TCPConn, _ *http.Request) {
		io.WriteString(conn, head+tokens(1, 2)+tokens(2, 2)+tokens(5, 5)+ // one doubled, two lost
			event(9, "gap", `,"missed":4`)+tokens(10, 10)+ // four lost, and announced
			"id: e1.99\ndata: {\"type\":\"token\",\"seq\":11}\n\ndata: hello\n\n"+ // two wrong
			"data: {\"type\":\"error\",\"seq\":11,\"error\":\"over\"}\n\n") // and one without an id
	})
	s := start(t, Options{Address: to})
	s.Open(s.Stream("/s", StreamOptions{}))
	got := await(t, s, func(c Counts) bool { return c.Ended+c.Broken == 1 })
	if want := (Counts{Opened: 1, Ended: 1, Events: 9, Lost: 6, Doubled: 1, Gaps: 1, Wrong: 3}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestAnswersThatAreNoStreamAreRefusals(t *testing.T) {
	to := serve(t, func(conn *net.TCPConn, r *http.Request) {
		if r.URL.Path == "/full" {
			io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}")
		} else {
			io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	s := start(t, Options{Address: to})
	full, over := s.Stream("/full", StreamOptions{}), s.Stream("/over", StreamOptions{})
	s.Open(full, over)
	c := await(t, s, func(c Counts) bool { return c.Refused == 2 })
	if c.Opened != 0 || c.Failed != 0 {
		t.Errorf("%+v", c)
	}
	if f, o := full.State(), over.State(); f.Status != 503 || f.RetryAfter != "3" || o.Status != 204 || f.Answered.Before(f.Began) {
		t.Errorf("%+v and %+v", f, o)
	}
}

func TestWhatIsNoResponseOfTheServiceBreaksTheStream(t *testing.T) {
	for name, text := range map[string]string{
		"no HTTP":        "hello\r\n\r\n",
		"another type":   "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
		"chunks":         "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
		"nothing":        "",
		"a head unended": "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxHead/6+1),
		"endless event":  head + "data: " + strings.Repeat("x", limits.Event),
	} {
		t.Run(name, func(t *testing.T) {
			to := serve(t, func(conn *net.TCPConn, _ *http.Request) { io.WriteString(conn, text) })
			s := start(t, Options{Address: to})
			st := s.Stream("/s", StreamOptions{})
			s.Open(st)
			await(t, s, func(c Counts) bool { return c.Broken+c.Failed == 1 })
			if st.State().Err == nil || s.Counts().Open != 0 {
				t.Errorf("%+v, %+v", st.State(), s.Counts())
			}
		})
	}
}

func TestNobodyListeningBreaksTheStream(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddrPort(listener.Addr().String())
	listener.Close()
	s := start(t, Options{Address: to})
	st := s.Stream("/s", StreamOptions{})
	s.Open(st)
	await(t, s, func(c Counts) bool { return c.Failed == 1 })
	if !errors.Is(st.State().Err, syscall.ECONNREFUSED) {
		t.Errorf("broke with %v", st.State().Err)
	}
}

func TestACutIsAnEndOrAResetAsItWasAskedFor(t *testing.T) {
	ends := make(chan error, 2)
	to := serve(t, func(conn *net.TCPConn, _ *http.Request) {
		io.WriteString(conn, head+tokens(1, 1))
		_, err := conn.Read(make([]byte, 1))
		ends <- err
	})
	s := start(t, Options{Address: to})
	st := s.Stream("/s", StreamOptions{})
	for how, want := range map[How]error{FIN: io.EOF, RST: syscall.ECONNRESET} {
		s.Open(st)
		await(t, s, func(c Counts) bool { return c.Open == 1 })
		s.Cut(how, st)
		if err := <-ends; !errors.Is(err, want) {
			t.Errorf("cut so (%v), the server sees %v, want %v", how, err, want)
		}
	}
	if c := s.Counts(); c.Open != 0 || c.Broken != 0 || c.Ended != 0 {
		t.Errorf("%+v", c)
	}
}

func TestAStuckClientTakesNothing(t *testing.T) {
	wrote := make(chan int, 1)
	to := serve(t, func(conn *net.TCPConn, _ *http.Request) {
		conn.SetWriteBuffer(4096)
		conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := io.WriteString(conn, head+strings.Repeat("x", 1<<20))
		if !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(fmt.Sprint(err), "timeout") {
			t.Errorf("the server wrote %d bytes: %v", n, err)
		}
		wrote <- n
	})
	s := start(t, Options{Address: to})
	s.Open(s.Stream("/s", StreamOptions{Stuck: true, ReceiveBuffer: 1}))
	if n := <-wrote; n > 64<<10 {
		t.Errorf("the kernel took %d bytes for a client that reads none", n)
	}
	if c := s.Counts(); c != (Counts{}) {
		t.Errorf("%+v", c)
	}
}

func TestOnlyAnIPv4AddressIsTaken(t *testing.T) {
	if _, err := Start(Options{}); err == nil {
		t.Error("no address was taken for one")
	}
	if _, err := Start(Options{Address: netip.MustParseAddrPort("[::1]:80")}); err == nil {
		t.Error("an IPv6 address was taken")
	}
}
