package streams_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"

	"github.com/google/uuid"
)

func TestStreamsOfClientsThatLeaveAreNoLongerCounted(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil, "SSE_KEEPALIVE=300") // so that no failing write tells the service
	ways := map[string]func(*servicetest.Watcher) error{
		"half-close": func(w *servicetest.Watcher) error { return w.CloseWrite() },
		"close":      func(w *servicetest.Watcher) error { return w.Close() },
		"reset": func(w *servicetest.Watcher) error {
			if err := w.SetLinger(0); err != nil {
				return err
			}
			return w.Close()
		},
	}
	for name, leave := range ways {
		w := s.Open(0, uuid.NewString())
		s.Eventually("the stream is counted", func() bool { return s.Streams() == 1 })
		if err := leave(w); err != nil {
			t.Fatal(err)
		}
		s.Eventually("the stream is not counted: "+name, func() bool { return s.Streams() == 0 })
		if w.Cut(); name == "half-close" && w.Err != io.EOF {
			t.Errorf("the stream of a client that says no more ends with %v", w.Err)
		}
	}
}

func TestStreamsOfClientsThatLeaveInTheMiddleOfARunHinderNobody(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	session, _ := s.Post(a, "")
	stays := s.Open(a, session)
	for i := range 12 {
		w := s.Open([]int{a, b}[i%2], session)
		w.Until(i + 1)
		if err := w.SetLinger(i%2 - 1); err != nil { // every second one with a reset
			t.Fatal(err)
		}
		_ = w.Close()
	}
	servicetest.ExpectEssay(t, stays.End(), 1)
	s.Eventually("no stream is counted", func() bool { return s.Streams() == 0 })
	if x, y := s.Pair(); x != a || y != b {
		t.Errorf("workers %d and %d became %d and %d\n%s", a, b, x, y, s.Log)
	}
}

// junk is what no client sends after its request: arbitrary bytes, or another request.
var junk = []string{"\x00\xff junk \r\n\r\n", "GET /livez HTTP/1.1\r\nHost: studysharper\r\n\r\n", "DELETE / HTTP/9.9\n\n"}

func TestStreamIsNotDisturbedByWhatItsClientSays(t *testing.T) {
	s, fake := servicetest.StartStudying(t, nil)
	fake.Hold()
	session, _ := s.Post(0, "")
	w := s.Open(0, session)
	w.ReachMiddle()
	for _, said := range junk {
		if _, err := io.WriteString(w, said); err != nil {
			t.Fatal(err)
		}
	}
	fake.LetGo()
	servicetest.ExpectEssay(t, w.End(), 1)
}

func TestWorkerOutlivesAClientThatNeverStopsTalking(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	a, b := s.Pair()
	session, _ := s.Post(a, "")
	w, other := s.Open(a, session), s.Open(a, session)
	piece := bytes.Repeat([]byte("junk"), 16<<10)
	for range 256 { // 16 MB at most: the service may disconnect earlier
		if _, err := w.Write(piece); err != nil {
			break
		}
	}
	servicetest.ExpectEssay(t, other.End(), 1)
	if got := w.Cut(); len(got) > 0 && got[len(got)-1].Terminal() {
		servicetest.ExpectEssay(t, got, 1)
	}
	if x, y := s.Pair(); x != a || y != b {
		t.Errorf("workers %d and %d became %d and %d\n%s", a, b, x, y, s.Log)
	}
}

// TestStreamIsServedToOddRequests sends requests that are valid but that no usual client
// sends.
func TestStreamIsServedToOddRequests(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	session, _ := s.Post(0, "")
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
		"that accepts compression":     line + " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br, zstd\r\n\r\n",
		"for a part of it":             line + " HTTP/1.1\r\nHost: x\r\nRange: bytes=10-\r\n\r\n",
		"that would have it unchanged": line + " HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
	}
	watchers := map[string]*servicetest.Watcher{}
	for name, raw := range requests {
		watchers[name] = s.OpenRaw(s.Dial(0), raw)
	}
	for name, w := range watchers {
		events := w.End()
		if w.Status != 200 || w.Header.Get("Content-Type") != "text/event-stream" || w.Header.Get("Content-Encoding") != "" {
			t.Errorf("a request %s: %d %v", name, w.Status, w.Header)
			continue
		}
		servicetest.ExpectEssay(t, events, 1)
	}
}

func TestStreamIsServedToARequestThatArrivesByteByByte(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	session, _ := s.Post(0, "")
	conn := s.Dial(0)
	raw := servicetest.StreamRequest(session)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for _, b := range []byte(raw[:len(raw)-1]) {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	servicetest.ExpectEssay(t, s.OpenRaw(conn, raw[len(raw)-1:]).End(), 1)
}

func TestStreamOfOneWorkerSaysTheSameToEveryVersionOfHTTP(t *testing.T) {
	s, _ := servicetest.StartStudying(t, nil)
	session, _ := s.Post(0, "")
	modern := s.Open(0, session)
	old := s.OpenRaw(s.Dial(0), strings.Replace(servicetest.StreamRequest(session), "HTTP/1.1", "HTTP/1.0", 1))
	if got := old.End(); !slices.Equal(got, modern.End()) || old.Header.Get("Transfer-Encoding") != "" {
		t.Errorf("HTTP/1.0 has %v %+v", old.Header, got)
	}
}
