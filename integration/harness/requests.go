package harness

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/loadtest/client"
)

// AskTimeout limits one request.
const AskTimeout = 10 * time.Second

// Outcome is the outcome of requests.
type Outcome struct {
	Times    []time.Duration // of the answered requests
	Failures []error
}

// Add adds the requests of another outcome.
func (a *Outcome) Add(more Outcome) {
	a.Times = append(a.Times, more.Times...)
	a.Failures = append(a.Failures, more.Failures...)
}

// AskAll sends requests from several clients concurrently, each over a persistent connection, until next returns false.
// next returns the time from which the request's latency counts. Nothing is retried.
func AskAll(to netip.AddrPort, clients int, request func(n int64) []byte, next func() (due time.Time, more bool)) Outcome {
	var mu sync.Mutex
	var all Outcome
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			one := askMany(to, request, next)
			mu.Lock()
			defer mu.Unlock()
			all.Add(one)
		})
	}
	group.Wait()
	return all
}

// RequestNumber is the number of the last request of this process. Including it makes a request unique.
var RequestNumber atomic.Int64

func askMany(to netip.AddrPort, request func(n int64) []byte, next func() (time.Time, bool)) (a Outcome) {
	var conn *client.Conn
	for due, more := next(); more; due, more = next() {
		var err error
		if conn == nil {
			conn, err = client.Dial(context.Background(), to, netip.Addr{}, AskTimeout)
		}
		if err == nil {
			_, err = conn.Do(request(RequestNumber.Add(1)), "")
		}
		if err != nil {
			a.Failures = append(a.Failures, err)
		} else {
			a.Times = append(a.Times, time.Since(due))
		}
		if conn != nil && !conn.Usable() {
			conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		conn.Close()
	}
	return a
}

// Question returns a chat request of one of a hundred students.
func Question(n int64) []byte {
	return PostRequest("/api/ai/agent-test", fmt.Sprintf(`{"type":"chat","user_id":"student-%d","message":"What is light, question %d?"}`, n%100, n))
}

// PostRequest returns a POST request in wire form.
func PostRequest(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

// Attempts returns the number of requests made.
func (a Outcome) Attempts() int { return len(a.Times) + len(a.Failures) }
