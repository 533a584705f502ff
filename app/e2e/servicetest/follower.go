package servicetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"studysharper/app/stream/eventstream"
	"studysharper/app/testkit"
	"studysharper/loadtest/client"
)

// Follower is what a client received of a session's stream that it follows like an EventSource: whenever a response
// ends, it reconnects with the id of the last event, until it is told to stop (204).
type Follower struct {
	client.Sequence
	Last    string    // the JSON of the terminal event
	EndedAt time.Time // when it arrived
	Opened  int       // streams that were opened
	Again   int       // of these, those after the terminal event
	Stopped bool      // stopped by a 204
}

// betweenConnects is how long a client waits before it reconnects; less than an EventSource does.
const betweenConnects = 200 * time.Millisecond

// Follow reads a stream of a service at HOST:PORT until the client is told to stop, for at most within. The first
// request is sent on conn, which may be nil. It may be called from any goroutine.
func Follow(address, path string, conn net.Conn, within time.Duration) *Follower {
	f, giveUp := &Follower{}, time.Now().Add(within)
	testkit.PollFor(within, betweenConnects, func() bool {
		if conn == nil {
			var err error
			if conn, err = net.DialTimeout("tcp", address, 5*time.Second); err != nil {
				return false
			}
		}
		_ = conn.SetDeadline(giveUp)
		f.readFrom(conn, path)
		_ = conn.Close()
		conn = nil
		return f.Stopped
	})
	return f
}

// readFrom reads one response to its end.
func (f *Follower) readFrom(conn net.Conn, path string) {
	head := "GET " + path + " HTTP/1.1\r\nHost: studysharper\r\nAccept: text/event-stream\r\n"
	if id := f.LastID(); id != "" {
		head += "Last-Event-ID: " + id + "\r\n"
	}
	if _, err := conn.Write([]byte(head + "\r\n")); err != nil {
		return
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if f.Stopped = res.StatusCode == http.StatusNoContent; res.StatusCode != http.StatusOK {
		return
	}
	if f.Opened++; f.Ended {
		f.Again++
	}
	for events := eventstream.NewReader(res.Body, eventstream.Limits{}); !f.Ended; {
		raw, err := events.Next()
		if err != nil {
			return
		}
		e := client.Event{ID: raw.ID}
		if json.Unmarshal(raw.Data, &e) == nil {
			f.Take(e)
		}
		f.Last, f.EndedAt = string(raw.Data), time.Now()
	}
}

// Answered reports whether the stream ended with a complete event that contains the words.
func (f *Follower) Answered(words string) bool {
	return f.Ended && f.Failure == "" && strings.Contains(f.Last, words)
}

// String describes what the client received, without the text.
func (f *Follower) String() string {
	return fmt.Sprintf("%d events, %d lost, %d doubled, %d with a wrong id, opened %d times, %d after its end, told to stop: %v, the last event: %.200s",
		f.Taken, f.Lost, f.Doubled, f.Wrong, f.Opened, f.Again, f.Stopped, f.Last)
}

// Address returns the HOST:PORT of the service.
func (s *Service) Address() string { return strings.TrimPrefix(s.URL, "http://") }
