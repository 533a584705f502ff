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
	exchangeTimeout = 10 * time.Second // a request's, from its first byte to its response's last
	keptFailures    = 100              // of a tally, in full
	overtime        = 3                // times its requests that a load may make in all
	sourceAddresses = 32               // 127.0.0.2 and on, that fresh connections come from
)

// load is a number of clients that each ask the same thing over and over, one
// request at a time. None ever tries again what failed.
type load struct {
	to       netip.AddrPort
	clients  int
	requests int64 // of all clients together; 0 = until the context ends
	// more, if not nil, asks for further requests once all are made, up to overtime times as many.
	more  func() bool
	fresh bool          // each request over a connection of its own, from one of many source addresses
	chat  bool          // a study request, never cached, instead of the cheapest request there is
	idle  time.Duration // of a client between two requests
	// heard, if not nil, is told of every exchange, on the client's goroutine.
	heard func(exchange)

	begun  atomic.Int64
	failed atomic.Int64
}

// exchange is how one request went.
type exchange struct {
	port int // the client's; 0: there was no connection
	err  error
}

// run sends until all requests are made or ctx ends, lets what is in flight end, and returns the count.
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

// next reports whether one more request is to be made.
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

// prolonged reports whether the nth request is to be made though all are.
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
	if !pace.Sleep(ctx, rand.N(c.load.idle+1)) { // so that the clients are idle at different times
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

// once makes one request, over the connection there is or a new one.
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

// exchange sends a request of its own name and takes leave of a connection that is of no more use.
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

// chatBody asks about a text: what the service is for.
const chatBody = `{"type":"chat","user_id":"bench","message":"What is light?","options":{"content":"Light is a kind of electromagnetic radiation that people can see. A prism disperses white light into colors."}}`

// write makes the bytes of the request.
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

// tally is what a load has counted. Its clients add to it when they end.
type tally struct {
	mu          sync.Mutex
	requests    int64
	failures    int64
	kinds       map[client.Kind]int64
	kept        []*client.Failure // the first ones
	connections int64
	goodbyes    int64 // connections that the server announced to close, and the client did
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

// words describe how the requests went, for a figure's note.
func (t *tally) words() string {
	parts := []string{fmt.Sprintf("%d connections, %d of them ended by Connection: close; slowest %s",
		t.connections, t.goodbyes, t.slowest.Round(time.Millisecond))}
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		parts = append(parts, fmt.Sprintf("%d %s", t.kinds[kind], kind))
	}
	return strings.Join(parts, "; ")
}
