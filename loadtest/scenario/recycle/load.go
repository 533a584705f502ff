package recycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"studysharper/loadtest/client"
	"studysharper/loadtest/pace"
)

const (
	exchangeTimeout = 10 * time.Second // for a request, from its first byte to the last byte of its response
	keptFailures    = 100              // failures that a tally keeps in full
	overtime        = 3                // a load may make at most this multiple of its requests
	sourceAddresses = 32               // number of source addresses of fresh connections, from 127.0.0.2 on
)

// load is a number of clients that each make the same request repeatedly, one at a time,
// without retrying failures.
type load struct {
	to       netip.AddrPort
	clients  int
	requests int64 // of all clients together; 0 = until the context ends
	// more, if not nil, asks for further requests once all are made, up to overtime times as many.
	more  func() bool
	fresh bool          // a new connection for each request, from one of many source addresses
	chat  bool          // an uncached study request instead of the cheapest request
	idle  time.Duration // pause of a client between two requests
	// heard, if not nil, is called with every exchange, on the client's goroutine.
	heard func(exchange)

	begun  atomic.Int64
	failed atomic.Int64
}

// exchange is the outcome of one request.
type exchange struct {
	port int // the client's; 0 = there was no connection
	err  error
}

// run sends requests until all are made or ctx ends, waits for those in flight, and returns the counts.
func (l *load) run(ctx context.Context) *tally {
	total := newTally()
	var clients sync.WaitGroup
	for i := range l.clients {
		c := &requester{load: l, number: i, tally: newTally()}
		if l.fresh {
			c.from = netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + i%sourceAddresses)}) //nolint:gosec // below 256
		}
		clients.Go(func() {
			c.run(ctx)
			total.add(c.tally)
		})
	}
	clients.Wait()
	return total
}

// next reports whether to make another request.
func (l *load) next(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	n := l.begun.Add(1)
	if l.requests > 0 && n > l.requests && !l.prolonged(n) {
		l.begun.Add(-1)
		return false
	}
	return true
}

// prolonged reports whether to make the nth request although the planned number has been made.
func (l *load) prolonged(n int64) bool {
	return l.more != nil && n <= overtime*l.requests && l.more()
}

// requester is one client of a load.
type requester struct {
	load    *load
	number  int
	from    netip.Addr
	conn    *client.Conn
	sent    int
	request []byte
	tally   *tally
}

func (c *requester) run(ctx context.Context) {
	defer c.leave()
	if !pace.Sleep(ctx, rand.N(c.load.idle+1)) { // so that the clients' pauses are not synchronized
		return
	}
	for c.load.next(ctx) {
		c.once()
		if !pace.Sleep(ctx, c.load.idle) {
			return
		}
	}
}

func (c *requester) leave() {
	if c.conn != nil {
		c.conn.Close()
	}
}

// once makes one request, over the open connection or a new one.
func (c *requester) once() {
	began := time.Now()
	err := c.connect()
	port := 0
	if err == nil {
		port = c.conn.Port()
		err = c.exchange()
	}
	c.tally.count(time.Since(began), err)
	if err != nil {
		c.load.failed.Add(1)
	}
	if c.load.heard != nil {
		c.load.heard(exchange{port, err})
	}
}

func (c *requester) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := client.Dial(context.Background(), c.load.to, c.from, exchangeTimeout)
	if err != nil {
		return err
	}
	c.conn = conn
	c.tally.connections++
	return nil
}

// exchange sends a request with a unique id, and closes a connection that cannot be used again.
func (c *requester) exchange() error {
	c.sent++
	id := fmt.Sprintf("bench-%d-%d", c.number, c.sent)
	c.write(id)
	_, err := c.conn.Do(c.request, id)
	if c.conn.Usable() {
		return err
	}
	conn := c.conn
	c.conn = nil
	if err != nil {
		conn.Close()
		return err
	}
	if c.load.fresh {
		return conn.End()
	}
	c.tally.goodbyes++ // the server said Connection: close
	conn.Close()
	return nil
}

// chatBody asks about a text: a typical request.
const chatBody = `{"type":"chat","user_id":"bench","message":"What is light?","options":{"content":"Light is a kind of electromagnetic radiation that people can see. A prism disperses white light into colors."}}`

// write encodes the request.
func (c *requester) write(id string) {
	method, path, body := "GET", "/api/ai/stream-status", ""
	if c.load.chat {
		method, path, body = "POST", "/api/ai/agent-test", chatBody
	}
	c.request = fmt.Appendf(c.request[:0], "%s %s HTTP/1.1\r\nHost: %s\r\nX-Request-ID: %s\r\n", method, path, c.load.to, id)
	if body != "" {
		c.request = fmt.Appendf(c.request, "Cache-Control: no-cache\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	if c.load.fresh {
		c.request = append(c.request, "Connection: close\r\n"...)
	}
	c.request = append(append(c.request, "\r\n"...), body...)
}

// tally contains the counts of a load. Its clients add theirs when they end.
type tally struct {
	mu          sync.Mutex
	requests    int64
	failures    int64
	kinds       map[client.Kind]int64
	kept        []*client.Failure // the first ones
	connections int64
	goodbyes    int64 // connections that the server announced to close, and that the client closed
	slowest     time.Duration
}

func newTally() *tally { return &tally{kinds: map[client.Kind]int64{}} }

func (t *tally) count(took time.Duration, err error) {
	t.requests++
	t.slowest = max(t.slowest, took)
	if err != nil {
		t.fail(err)
	}
}

func (t *tally) fail(err error) {
	f, ok := errors.AsType[*client.Failure](err)
	if !ok {
		f = &client.Failure{Kind: "other", At: time.Now(), Err: err}
	}
	t.failures++
	t.kinds[f.Kind]++
	if len(t.kept) < keptFailures {
		t.kept = append(t.kept, f)
	}
}

func (t *tally) add(o *tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests += o.requests
	t.failures += o.failures
	t.connections += o.connections
	t.goodbyes += o.goodbyes
	t.slowest = max(t.slowest, o.slowest)
	for kind, n := range o.kinds {
		t.kinds[kind] += n
	}
	t.kept = append(t.kept, o.kept...)
	slices.SortFunc(t.kept, func(a, b *client.Failure) int { return a.At.Compare(b.At) })
	t.kept = t.kept[:min(len(t.kept), keptFailures)]
}

// words describes the outcome of the requests, for a figure's note.
func (t *tally) words() string {
	parts := []string{fmt.Sprintf("%d connections, %d of them ended by Connection: close; slowest %s",
		t.connections, t.goodbyes, t.slowest.Round(time.Millisecond))}
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		parts = append(parts, fmt.Sprintf("%d %s", t.kinds[kind], kind))
	}
	return strings.Join(parts, "; ")
}
