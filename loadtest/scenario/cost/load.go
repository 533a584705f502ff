package cost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/loadtest/client"
)

// askTimeout bounds one request.
const askTimeout = 10 * time.Second

// load is the outcome of the requests of one window.
type load struct {
	length   time.Duration
	times    []time.Duration // of the answered requests, sorted
	failures []error
}

// asked numbers the questions: each is different, so that none is answered from a cache.
var asked atomic.Int64

// load keeps clients busy for a time. Each asks one question after another over a persistent connection; nothing is
// retried. It returns an error only if ctx has ended.
func (p *program) load(ctx context.Context, o settings, length time.Duration) (load, error) {
	var mu sync.Mutex
	var all load
	var group sync.WaitGroup
	began := time.Now()
	for range o.clients {
		group.Go(func() {
			one := p.ask(ctx, o.notes, began.Add(length))
			mu.Lock()
			defer mu.Unlock()
			all.times = append(all.times, one.times...)
			all.failures = append(all.failures, one.failures...)
		})
	}
	group.Wait()
	all.length = time.Since(began)
	slices.Sort(all.times)
	return all, ctx.Err()
}

// ask runs one client.
func (p *program) ask(ctx context.Context, notes []string, until time.Time) (l load) {
	var conn *client.Conn
	for ctx.Err() == nil && time.Now().Before(until) {
		began := time.Now()
		var err error
		if conn == nil {
			conn, err = client.Dial(ctx, p.address, netip.Addr{}, askTimeout)
		}
		if err == nil {
			_, err = conn.Do(question(asked.Add(1), notes), "")
		}
		if err != nil {
			l.failures = append(l.failures, err)
		} else {
			l.times = append(l.times, time.Since(began))
		}
		if conn != nil && !conn.Usable() {
			conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		conn.Close()
	}
	return l
}

// question returns the n-th request: a chat with a new question, from a student without notes, or, if notes are given,
// flashcards from a new text.
func question(n int64, notes []string) []byte {
	body := fmt.Sprintf(`{"type":"chat","user_id":"student-%d","message":"What is light, question %d?"}`, n%100, n)
	if len(notes) > 0 {
		body = fmt.Sprintf(`{"type":"flashcard_generation","user_id":"student-%d","message":"Flashcards, please","options":{"content":%s}}`,
			n%100, quoted(fmt.Sprintf("# Lesson %d\n\n%s", n, notes[n%int64(len(notes))])))
	}
	return fmt.Appendf(nil, "POST /api/ai/agent-test HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// quoted returns a text as JSON.
func quoted(text string) []byte {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text can always be encoded
	}
	return data
}
