package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"studysharper/app/stream"
	"studysharper/app/stream/eventstream"
	"studysharper/app/stream/memory"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// world is a hub with real sockets.
type world struct {
	*testing.T
	hub     *Hub
	journal *memory.Journal
	ln      *net.TCPListener
	open    atomic.Int64
}

func realWorld(t *testing.T, o Options) *world {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	w := &world{T: t, journal: memory.New(memory.Options{MaxEvents: 10_000})}
	o.Journal, o.Count = w.journal, func(n int64) { w.open.Add(n) }
	var err error
	if w.hub, err = Open(o); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.ln = ln.(*net.TCPListener)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- w.hub.Run(ctx) }()
	t.Cleanup(func() {
		<-w.hub.End()
		cancel()
		if err := errors.Join(<-ran, ln.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// connect opens a stream and returns the client's end of it.
func (w *world) connect(session string) *net.TCPConn {
	w.Helper()
	client, err := net.Dial("tcp", w.ln.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = client.Close() })
	conn, err := w.ln.AcceptTCP()
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		w.Fatal(err)
	}
	var fd int
	if err := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		w.Fatal(err)
	}
	w.hub.Reserve()
	w.hub.Serve(Stream{FD: fd, past: fresh(), Query: stream.Query{Session: session}})
	if err := client.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		w.Fatal(err)
	}
	return client.(*net.TCPConn)
}

func (w *world) begin(session string) stream.Writer {
	w.Helper()
	run, err := w.journal.Begin(w.Context(), stream.RunInfo{Session: session, Run: uuid.NewString()})
	if err != nil {
		w.Fatal(err)
	}
	return run
}

// untilOpen waits until n streams are open.
func (w *world) untilOpen(n int64) {
	w.Helper()
	if !testkit.Poll(func() bool { return w.open.Load() == n }) {
		w.Fatalf("%d streams are open, want %d", w.open.Load(), n)
	}
}

func TestASlowReaderGetsEverythingInOrderThroughAFullSocket(t *testing.T) {
	w := realWorld(t, Options{})
	session := uuid.NewString()
	run, client := w.begin(session), w.connect(session)
	const events = 3000
	for i := range events {
		if err := run.Append(t.Context(), study.Event{Kind: study.KindToken, Fields: fmt.Appendf(nil, `{"text":"%d %s"}`, i, strings.Repeat("x", 100))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Append(t.Context(), study.Event{Kind: study.KindComplete}); err != nil {
		t.Fatal(err)
	}
	if w.open.Load() != 1 {
		t.Fatal("the whole run fitted into the socket: this test proves nothing")
	}
	r := eventstream.NewReader(client, eventstream.Limits{})
	n := 0
	for ; ; n++ {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`"seq":%d`, n+1); !strings.Contains(string(e.Data), want) {
			t.Fatalf("event %d is %.60s", n+1, e.Data)
		}
	}
	if n != events+1 {
		t.Errorf("%d events, want %d", n, events+1)
	}
	w.untilOpen(0)
	if n := w.hub.Unsent(); n != 0 {
		t.Errorf("%d bytes still wait", n)
	}
}

func TestAClientThatLeavesIsNoticedHoweverItLeaves(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"closes":      (*net.TCPConn).Close,
		"half-closes": (*net.TCPConn).CloseWrite,
		"resets":      func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
		"talks and closes": func(c *net.TCPConn) error {
			_, err := c.Write(make([]byte, 3000))
			return errors.Join(err, c.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := realWorld(t, Options{})
			w.begin("11111111-1111-4111-8111-111111111111")
			client := w.connect("11111111-1111-4111-8111-111111111111")
			w.untilOpen(1)
			if err := leave(client); err != nil {
				t.Fatal(err)
			}
			w.untilOpen(0)
			if got := w.journal.Stats().Readers; got != 0 {
				t.Errorf("%d readers wait for nobody", got)
			}
		})
	}
}

func TestWhatAClientSendsIsIgnoredUpToItsBound(t *testing.T) {
	w := realWorld(t, Options{})
	session := uuid.NewString()
	run, quiet, loud := w.begin(session), w.connect(session), w.connect(session)
	if _, err := quiet.Write(make([]byte, maxJunk)); err != nil {
		t.Fatal(err)
	}
	for { // until the hub disconnects the client
		if _, err := loud.Write(make([]byte, 4<<10)); err != nil {
			break
		}
	}
	w.untilOpen(1)
	if err := run.Append(t.Context(), study.Event{Kind: study.KindComplete}); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(quiet); err != nil || !strings.Contains(string(text), "complete") {
		t.Errorf("who sent no more than allowed got %q, %v", text, err)
	}
}

func TestAnEventOfASocketClosedSinceIsNotTakenForItsSuccessors(t *testing.T) {
	w := realWorld(t, Options{})
	w.connect(uuid.NewString())
	w.untilOpen(1)
	w.hub.locked(func(d *due) {
		for fd, c := range w.hub.clients {
			if c != nil {
				w.hub.happened(&unix.EpollEvent{Events: unix.EPOLLHUP, Fd: int32(fd), Pad: c.generation - 1}, d)
			}
		}
		w.hub.happened(&unix.EpollEvent{Events: unix.EPOLLHUP, Fd: 1 << 20}, d)
	})
	if n := w.open.Load(); n != 1 {
		t.Errorf("%d streams are open", n)
	}
}
