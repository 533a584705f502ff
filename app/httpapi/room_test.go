package httpapi

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"studysharper/app/httpserver"
	"studysharper/app/metrics"

	"studysharper/app/testkit"
)

func serveIn(t *testing.T, room httpserver.Room) *face {
	t.Helper()
	return serve(t, func(o *Options) { o.HTTP.Room, o.Admission.MaxStreams = room, 100 })
}

// wantRefused requires a 503 with Retry-After that closes the connection.
func wantRefused(t *testing.T, res *http.Response) {
	t.Helper()
	if retry, err := strconv.Atoi(res.Header.Get("Retry-After")); res.StatusCode != 503 || err != nil || retry < 1 || !res.Close {
		t.Errorf("got %d, Retry-After %q, close %v", res.StatusCode, res.Header.Get("Retry-After"), res.Close)
	}
}

func TestStreamsAboveTheRoomAreRefusedAndRequestsAreNot(t *testing.T) {
	f := serveIn(t, httpserver.Room{Conns: 8, Streams: 2, Spare: 2})
	first := f.opened()
	f.opened()
	for range 20 { // each frees its connection
		c := f.dial()
		c.send("GET /api/ai/stream/" + newID() + " HTTP/1.1\r\nHost: x\r\n\r\n")
		wantRefused(t, c.answer())
	}
	if r := f.ask("GET", "/api/notes?user_id=u", ""); r.StatusCode != 200 {
		t.Errorf("a request: %d", r.StatusCode)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	f.untilOpen(1)
	f.opened()
}

func TestStreamsOfAPredecessorTakeTheRoomOfItsSuccessor(t *testing.T) {
	f := serveIn(t, httpserver.Room{Conns: 8, Streams: 2, Spare: 2})
	predecessor, _ := f.board.Claim(0, 2)
	sibling, _ := f.board.Claim(1, 1)
	f.board.Worker(sibling).Set(metrics.Streams, 50)
	f.opened()
	f.board.Worker(predecessor).Set(metrics.Streams, 1)
	if r := f.ask("GET", "/api/ai/stream/"+newID(), ""); r.StatusCode != 503 {
		t.Errorf("got %d", r.StatusCode)
	}
}

// crowdedBy fills the room with connections that have been answered and stay open.
func (f *face) crowdedBy(n int) {
	f.t.Helper()
	for _, c := range f.dialAll(n) {
		c.send(get)
		if err := c.receive(); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestAConnectionThatThereIsNoRoomForIsAnsweredAndProbesAreServed(t *testing.T) {
	f := serveIn(t, httpserver.Room{Conns: 4, Streams: 2, Spare: 2})
	f.crowdedBy(4)
	for range 10 { // one after the other, in total far more than there are spare descriptors
		c := f.dial()
		c.send("GET /api/notes?user_id=u HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:3000\r\n\r\n")
		res := c.answer()
		wantRefused(t, res)
		if res.Header.Get("Access-Control-Allow-Origin") != "http://localhost:3000" {
			t.Errorf("a browser does not see it: %v", res.Header)
		}
		for _, path := range []string{"/livez", "/readyz", "/health", "/metrics"} {
			c := f.dial()
			c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
			if res := c.answer(); res.StatusCode != 200 || !res.Close {
				t.Errorf("%s: %d, close %v", path, res.StatusCode, res.Close)
			}
		}
	}
}

func TestConnectionsBeyondTheSpareOnesWaitForOne(t *testing.T) {
	f := serveIn(t, httpserver.Room{Conns: 1, Streams: 1, Spare: 2})
	f.crowdedBy(1)
	silent := f.dialAll(2)
	f.untilHeld(3)
	waits := f.dial()
	waits.send(get) // if it were accepted, it would be answered
	if err := waits.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := waits.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) || f.held() != 3 {
		t.Errorf("%d connections are accepted, %v", f.held(), err)
	}
	if err := errors.Join(silent[0].conn.Close(), waits.conn.SetReadDeadline(time.Now().Add(time.Minute))); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, waits.answer())
}

func TestWithoutADescriptorTheProbeSaysSoAndAStreamIsAnswered(t *testing.T) {
	f := serve(t)
	ready, streaming := f.dial(), f.dial()
	for _, c := range []*client{ready, streaming} {
		c.send(get)
		if err := c.receive(); err != nil {
			t.Fatal(err)
		}
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := exhaust(t, &limit)
	ready.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
	if res := ready.answer(); res.StatusCode != 503 {
		t.Errorf("/readyz: %d", res.StatusCode)
	}
	streaming.send("GET /api/ai/stream/" + newID() + " HTTP/1.1\r\nHost: x\r\n\r\n")
	res := streaming.answer()
	none.release()
	wantRefused(t, res)
	testkit.Eventually(t, "it is ready again", func() bool { return f.ask("GET", "/readyz", "").StatusCode == 200 })
}
