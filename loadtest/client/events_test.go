package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"studysharper/app/stream/eventstream"
)

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

// watch opens a stream on which text is sent and then nothing more.
func watch(t *testing.T, text string) (*Events, error) {
	t.Helper()
	to := serveRaw(t, func(conn *net.TCPConn) {
		takeGet(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, text)
	})
	return dial(t, to, patient).Stream([]byte(ask), patient)
}

func kindOfError(err error) Kind {
	if f, is := errors.AsType[*Failure](err); is {
		return f.Kind
	}
	return ""
}

func TestEventsGivesEachEventAndTheStreamsEnd(t *testing.T) {
	s, err := watch(t, streamHead+"retry: 700\n\n: keepalive\n\nid: 1z.1\ndata: {\"type\":\"start\",\"seq\":1}\n\n"+
		"id: 1z.2\ndata: {\"type\":\"token\",\"seq\":2,\"text\":\"héllo \"}\n\n: keepalive\n\nid: 1z.3\ndata: {\"type\":\"error\",\"seq\":3,\"error\":\"no\"}\n\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Event{{ID: "1z.1", Type: "start", Seq: 1}, {ID: "1z.2", Type: "token", Seq: 2, Text: "héllo "}, {ID: "1z.3", Type: "error", Seq: 3, ErrorMsg: "no"}}
	for _, w := range want {
		if got, err := s.Next(); err != nil || got != w {
			t.Errorf("got %+v, %v; want %+v", got, err, w)
		}
	}
	if _, err := s.Next(); kindOfError(err) != Closed {
		t.Errorf("behind the last event: %v", err)
	}
}

func TestEventsTakesALineThatIsLongerThanItsBuffer(t *testing.T) {
	text := strings.Repeat("x", 3*MaxLine)
	s, err := watch(t, streamHead+`data: {"type":"token","seq":1,"text":"`+text+"\"}\n\n")
	if err != nil {
		t.Fatal(err)
	}
	if e, err := s.Next(); err != nil || e.Text != text {
		t.Errorf("%d bytes, %v", len(e.Text), err)
	}
}

func TestEventsNamesWhatIsWrong(t *testing.T) {
	event := "id: 1.1\ndata: {\"type\":\"start\",\"seq\":1}\n"
	for text, want := range map[string]Kind{
		"id: 1.1\n":                          Cut,
		"id: 1":                              Cut,
		event:                                Cut,
		"event: x\n" + event + "\n":          Malformed,
		"data:{}\n\n":                        Malformed,
		"data: {\n\n":                        Malformed,
		"data: {\"seq\":1}\n\n":              Malformed,
		"data: {\"type\":1}\n\n":             Malformed,
		event + "data: {\"type\":\"x\"}\n\n": Malformed,
		"data: " + strings.Repeat("x", MaxEvent+1): Malformed,
	} {
		s, err := watch(t, streamHead+text)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := s.Next(); kindOfError(err) != want {
			t.Errorf("%.40q: got %+v, %v; want %s", text, e, err, want)
		}
	}
}

func TestStreamRefusesWhatIsNoStream(t *testing.T) {
	for text, want := range map[string]Kind{
		"HTTP/1.1 204 No Content\r\n\r\n":                                                 StatusKind(204),
		"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n":                                    StatusKind(503),
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\n": Malformed,
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n":         Malformed,
		"": Closed,
	} {
		if _, err := watch(t, text); kindOfError(err) != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestASilentStreamTimesOut(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	to := serveRaw(t, func(conn *net.TCPConn) {
		takeGet(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, streamHead)
		<-hold
	})
	s, err := dial(t, to, patient).Stream([]byte(ask), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); kindOfError(err) != Timeout {
		t.Errorf("got %v", err)
	}
}

func numbered(seq uint64) Event {
	return Event{ID: fmt.Sprintf("e.%d", seq), Type: "token", Seq: seq, Text: fmt.Sprint(seq, " ")}
}

func TestSequenceCountsWhatIsLostAndDoubled(t *testing.T) {
	gap := func(seq, missed uint64) Event {
		return Event{ID: fmt.Sprintf("e.%d", seq), Type: "gap", Seq: seq, Missed: missed}
	}
	end := func(seq uint64) Event { return Event{ID: fmt.Sprintf("e.%d", seq), Type: "complete", Seq: seq} }
	for name, c := range map[string]struct {
		events                      []Event
		taken, lost, doubled, wrong uint64
		text                        string
		ended                       bool
	}{
		"whole":               {events: []Event{numbered(1), numbered(2), end(3)}, taken: 3, text: "1 2 ", ended: true},
		"first lost":          {events: []Event{numbered(2)}, taken: 1, lost: 1, text: "2 "},
		"three lost":          {events: []Event{numbered(1), numbered(5)}, taken: 2, lost: 3, text: "1 5 "},
		"doubled":             {events: []Event{numbered(1), numbered(2), numbered(2), numbered(1), numbered(3)}, taken: 3, doubled: 2, text: "1 2 3 "},
		"doubled end":         {events: []Event{end(1), end(1)}, taken: 1, doubled: 1, ended: true},
		"a gap owned up to":   {events: []Event{numbered(1), gap(4, 3), numbered(5)}, taken: 2, lost: 3, text: "1 5 "},
		"a hole behind a gap": {events: []Event{gap(4, 4), numbered(6)}, taken: 1, lost: 5, text: "6 "},
		"another epoch":       {events: []Event{numbered(1), {ID: "f.2", Type: "token", Seq: 2}}, taken: 2, wrong: 1, text: "1 "},
		"id of another event": {events: []Event{{ID: "e.2", Type: "token", Seq: 1}}, taken: 1, wrong: 1},
		"no id":               {events: []Event{{Type: "token", Seq: 1}}, taken: 1, wrong: 1},
	} {
		var q Sequence
		for _, e := range c.events {
			q.Take(e)
		}
		if q.Taken != c.taken || q.Lost != c.lost || q.Doubled != c.doubled || q.Wrong != c.wrong || q.Text() != c.text || q.Ended != c.ended || q.Failure != "" {
			t.Errorf("%s: got %+v", name, &q)
		}
	}
}

func TestSequenceKeepsItsPlaceWhenTheServerEndsTheStream(t *testing.T) {
	var q Sequence
	q.Take(numbered(1))
	q.Take(Event{Type: "error", Seq: 1, ErrorMsg: "no request has been made"})
	if q.LastID() != "e.1" || !q.Ended || !strings.Contains(q.Failure, "no request has been made") || q.Doubled != 0 {
		t.Errorf("got %+v", &q)
	}
}

// In any sequence of events, every number up to the highest is counted exactly once, as taken or as lost.
func FuzzSequence(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte{1, 5, 5, 2, 6})
	f.Fuzz(func(t *testing.T, order []byte) {
		var q Sequence
		var highest uint64
		for _, n := range order {
			if n == 0 {
				continue
			}
			q.Take(numbered(uint64(n)))
			highest = max(highest, uint64(n))
		}
		if q.Taken+q.Lost != highest {
			t.Errorf("%v: %d taken, %d lost, highest %d", order, q.Taken, q.Lost, highest)
		}
	})
}

// FuzzEvents looks for bytes that are accepted as an event without a type, or that crash a stream.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: {\"type\":\"token\",\"seq\":3,\"text\":\"x\"}\n\n"))
	f.Add([]byte("id: 1.2\n"))
	f.Add([]byte("retry: 100\n\ndata: {}\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		near, far := net.Pipe()
		defer near.Close()
		go func() { _, _ = far.Write(text); far.Close() }()
		conn := newConn(near, patient)
		s := &Events{conn: conn, reader: eventstream.NewReader(conn.r, eventstream.Limits{})}
		for {
			e, err := s.Next()
			if err != nil {
				return
			}
			if e.Type == "" {
				t.Errorf("%q: an event without a type was taken", text)
			}
		}
	})
}
