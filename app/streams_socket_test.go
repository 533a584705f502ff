package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// streams is how many streams are open, as the service says.
func (s *service) streams() float64 {
	s.t.Helper()
	_, got := s.ask("GET", "/api/ai/stream-status", "")
	return got["active_connections"].(float64)
}

func TestStreamsOfClientsThatLeaveAreNoLongerCounted(t *testing.T) {
	s, _ := studying(t, nil, "SSE_KEEPALIVE=300") // so that no write that fails tells the service
	ways := map[string]func(*watcher) error{
		"half-close": func(w *watcher) error { return w.CloseWrite() },
		"close":      func(w *watcher) error { return w.Close() },
		"reset": func(w *watcher) error {
			if err := w.SetLinger(0); err != nil {
				return err
			}
			return w.Close()
		},
	}
	for name, leave := range ways {
		w := s.open(0, uuid.NewString())
		s.eventually("the stream is counted", func() bool { return s.streams() == 1 })
		if err := leave(w); err != nil {
			t.Fatal(err)
		}
		s.eventually("the stream is not counted: "+name, func() bool { return s.streams() == 0 })
		if w.cut(); name == "half-close" && w.err != io.EOF {
			t.Errorf("the stream of a client that says no more ends with %v", w.err)
		}
	}
}

func TestStreamsOfClientsThatLeaveInTheMiddleOfARunHinderNobody(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	session, _ := s.post(a, "")
	stays := s.open(a, session)
	for i := range 12 {
		w := s.open([]int{a, b}[i%2], session)
		w.until(i + 1)
		if err := w.SetLinger(i%2 - 1); err != nil { // every second one by a reset
			t.Fatal(err)
		}
		_ = w.Close()
	}
	expectEssay(t, stays.end(), 1)
	s.eventually("no stream is counted", func() bool { return s.streams() == 0 })
	if x, y := s.pair(); x != a || y != b {
		t.Errorf("workers %d and %d became %d and %d\n%s", a, b, x, y, s.log)
	}
}

// junk is what no client sends behind its request: bytes of no protocol, a request.
var junk = []string{"\x00\xff junk \r\n\r\n", "GET /livez HTTP/1.1\r\nHost: studysharper\r\n\r\n", "DELETE / HTTP/9.9\n\n"}

func TestStreamIsNotDisturbedByWhatItsClientSays(t *testing.T) {
	s, fake := studying(t, nil)
	fake.hold()
	session, _ := s.post(0, "")
	w := s.open(0, session)
	w.reachMiddle()
	for _, said := range junk {
		if _, err := io.WriteString(w, said); err != nil {
			t.Fatal(err)
		}
	}
	fake.letGo()
	expectEssay(t, w.end(), 1)
}

func TestWorkerOutlivesAClientThatNeverStopsTalking(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	session, _ := s.post(a, "")
	w, other := s.open(a, session), s.open(a, session)
	piece := bytes.Repeat([]byte("junk"), 16<<10)
	for range 256 { // 16 MB, or as far as it gets: the service may have enough of it
		if _, err := w.Write(piece); err != nil {
			break
		}
	}
	expectEssay(t, other.end(), 1)
	if got := w.cut(); len(got) > 0 && got[len(got)-1].terminal() {
		expectEssay(t, got, 1)
	}
	if x, y := s.pair(); x != a || y != b {
		t.Errorf("workers %d and %d became %d and %d\n%s", a, b, x, y, s.log)
	}
}

// TestStreamIsServedToOddRequests has requests that are right, but that no usual
// client sends.
func TestStreamIsServedToOddRequests(t *testing.T) {
	s, _ := studying(t, nil)
	session, _ := s.post(0, "")
	line := "GET /api/ai/stream/" + session
	requests := map[string]string{
		"of HTTP/1.0":                  line + " HTTP/1.0\r\n\r\n",
		"of HTTP/1.0 that stays":       line + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"that closes":                  line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"with a body":                  line + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		"with a body that is chunked":  line + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"with the next one behind it":  line + " HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
		"with an absolute address":     "GET http://x/api/ai/stream/" + session + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"for another type":             line + " HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n",
		"that would take it squeezed":  line + " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br, zstd\r\n\r\n",
		"for a part of it":             line + " HTTP/1.1\r\nHost: x\r\nRange: bytes=10-\r\n\r\n",
		"that would have it unchanged": line + " HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
	}
	watchers := map[string]*watcher{}
	for name, raw := range requests {
		watchers[name] = s.openRaw(s.dial(0), raw)
	}
	for name, w := range watchers {
		events := w.end()
		if w.status != 200 || w.header.Get("Content-Type") != "text/event-stream" || w.header.Get("Content-Encoding") != "" {
			t.Errorf("a request %s: %d %v", name, w.status, w.header)
			continue
		}
		expectEssay(t, events, 1)
	}
}

func TestStreamIsServedToARequestThatArrivesByteByByte(t *testing.T) {
	s, _ := studying(t, nil)
	session, _ := s.post(0, "")
	conn := s.dial(0)
	raw := streamRequest(session)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for _, b := range []byte(raw[:len(raw)-1]) {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	expectEssay(t, s.openRaw(conn, raw[len(raw)-1:]).end(), 1)
}

func TestStreamOfOneWorkerSaysTheSameToEveryVersionOfHTTP(t *testing.T) {
	s, _ := studying(t, nil)
	session, _ := s.post(0, "")
	modern := s.open(0, session)
	old := s.openRaw(s.dial(0), strings.Replace(streamRequest(session), "HTTP/1.1", "HTTP/1.0", 1))
	if got := old.end(); !slices.Equal(got, modern.end()) || old.header.Get("Transfer-Encoding") != "" {
		t.Errorf("HTTP/1.0 has %v %+v", old.header, got)
	}
}
