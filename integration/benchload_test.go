package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/loadtest/swarm"
)

const (
	openWithin = 50 * time.Second // all streams of a part: less than a session that nobody has posted to is held open
	endWithin  = 90 * time.Second
)

// newSessions makes ids.
func newSessions(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = uuid.NewString()
	}
	return ids
}

// crowd is many streams of a service, and how long each event took.
type crowd struct {
	*swarm.Swarm
	streams []*swarm.Stream

	mu    sync.Mutex
	times []delivery
}

// delivery is one token event: when it was made, and how long it took to the client.
type delivery struct {
	stream *swarm.Stream
	made   int64 // Unix nanoseconds
	took   time.Duration
}

// mostDeliveries is room for those of a part, made beforehand: the client shares its cores with the service.
const mostDeliveries = 1 << 19

// newCrowd makes a client. It opens nothing.
func newCrowd(t *testing.T, h *hosted, o swarm.Options) *crowd {
	t.Helper()
	c := &crowd{times: make([]delivery, 0, mostDeliveries)}
	o.Address, o.Took = h.address, c.took
	var err error
	if c.Swarm, err = swarm.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// add makes a stream of each session.
func (c *crowd) add(sessions []string, o swarm.StreamOptions) []*swarm.Stream {
	added := make([]*swarm.Stream, len(sessions))
	for i, session := range sessions {
		added[i] = c.Stream("/api/ai/stream/"+session, o)
	}
	c.streams = append(c.streams, added...)
	return added
}

// took notes a token of the publishing build, whose text is the moment it was made, a space and padding. Of tokens that
// the journal has joined, each has its own.
func (c *crowd) took(st *swarm.Stream, e swarm.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for text := e.Text(); ; {
		end := bytes.IndexByte(text, ' ')
		if end < 0 {
			return
		}
		made, err := strconv.ParseInt(string(bytes.TrimLeft(text[:end], "x")), 10, 64)
		if err != nil {
			return // a run's own token
		}
		c.times = append(c.times, delivery{st, made, e.At.Sub(time.Unix(0, made))})
		text = text[end+1:]
	}
}

// told counts each stream's tokens, however many of them came as one event.
func (c *crowd) told() map[*swarm.Stream]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := map[*swarm.Stream]int{}
	for _, d := range c.times {
		told[d.stream]++
	}
	return told
}

// delivered gives the times of the events that wanted says yes to, sorted.
func (c *crowd) delivered(wanted func(delivery) bool) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var times []time.Duration
	for _, d := range c.times {
		if wanted(d) {
			times = append(times, d.took)
		}
	}
	slices.Sort(times)
	return times
}

func every(delivery) bool { return true }

// open opens streams and waits until all are answered. It tells how long that took.
func (c *crowd) open(b *bench, streams []*swarm.Stream) time.Duration {
	b.Helper()
	before, began := c.Counts(), time.Now()
	c.Open(streams...)
	want := before.Opened + int64(len(streams))
	got := c.await(b.T, openWithin, func(n swarm.Counts) bool {
		return n.Opened == want || n.Refused+n.Failed > before.Refused+before.Failed
	})
	if got.Opened != want {
		b.Fatalf("of %d streams some were not opened: %+v, the first: %v", len(streams), got, c.firstFault())
	}
	return time.Since(began)
}

func (c *crowd) firstFault() string {
	for _, st := range c.streams {
		if s := st.State(); s.Err != nil || s.Status != 0 && s.Status != http.StatusOK {
			return fmt.Sprintf("status %d, %v", s.Status, s.Err)
		}
	}
	return "none"
}

func (c *crowd) await(t *testing.T, within time.Duration, done func(swarm.Counts) bool) swarm.Counts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	got, err := c.Await(ctx, done)
	if err != nil {
		t.Errorf("after %v: %v", within, err)
	}
	return got
}

// whole judges that streams took all that was published for them: every token, and no number of an event missing or
// twice, up to a complete event.
func (c *crowd) whole(b *bench, streams []*swarm.Stream, tokens int) {
	b.Helper()
	unended, lost, doubled, joined := 0, 0, 0, 0
	all := c.told()
	for _, st := range streams {
		s, told := st.State(), all[st]
		lost += max(int(s.Lost), tokens-told)
		doubled += max(int(s.Doubled), told-tokens)
		joined += told + 1 - int(s.Events)
		if s.Terminal != "complete" || s.Err != nil {
			unended++
		}
	}
	b.zero("events lost", lost, len(streams)*tokens)
	b.zero("events doubled or out of order", doubled, len(streams)*tokens)
	b.zero("streams that did not end with their run", unended, len(streams))
	if joined > 0 {
		b.tell("tokens that came joined to another", joined, len(streams)*tokens, "")
	}
	if n := c.Counts(); n.Wrong+n.Gaps > 0 {
		b.Errorf("%d events of no known shape, %d gaps", n.Wrong, n.Gaps)
	}
}

// line is a connection that is kept alive, and the worker that holds it.
type line struct {
	worker int // process id
	mu     sync.Mutex
	conn   net.Conn
	r      *bufio.Reader
}

// lines opens connections until each worker holds each of them at least.
func (h *hosted) lines(t *testing.T, each int) map[int][]*line {
	t.Helper()
	all := map[int][]*line{}
	for range 100 {
		var fresh []*line
		for range 2 * each {
			fresh = append(fresh, h.dial(t))
		}
		held, err := holders(h.port, h.workers)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range fresh {
			l.worker = held[l.conn.LocalAddr().(*net.TCPAddr).Port]
			all[l.worker] = append(all[l.worker], l)
		}
		if len(all[h.workers[0]]) >= each && len(all[h.workers[1]]) >= each {
			return all
		}
	}
	t.Fatal("one of the workers takes no connections")
	return nil
}

// dial opens a connection and asks something, so that a worker has surely accepted it.
func (h *hosted) dial(t *testing.T) *line {
	t.Helper()
	conn, err := net.Dial("tcp", h.address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	l := &line{conn: conn, r: bufio.NewReader(conn)}
	if status, text, err := l.do(http.MethodGet, "/livez", nil); err != nil || status != http.StatusOK {
		t.Fatalf("GET /livez: status %d, %v: %s", status, err, text)
	}
	return l
}

// do makes one request on the line, whose answer does not come from the cache.
func (l *line) do(method, path string, in any) (status int, body []byte, err error) {
	got, err := l.send(method, path, in, "Cache-Control", "no-cache")
	return got.status, got.body, err
}

// send makes one request on the line. header holds names and values in turn.
func (l *line) send(method, path string, in any, header ...string) (answer, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	request, err := http.NewRequest(method, "http://"+l.conn.RemoteAddr().String()+path, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	if err := l.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return answer{}, err
	}
	if err := request.Write(l.conn); err != nil {
		return answer{}, err
	}
	response, err := http.ReadResponse(l.r, request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return answer{response.StatusCode, response.Header, body}, err
}

// publication is what the publishing build is asked for (app/httpapi/publish.go).
type publication struct {
	Sessions []string `json:"sessions"`
	Events   int      `json:"events"`
	EveryMS  int      `json:"every_ms"`
	StartMS  int      `json:"start_ms"`
	Burst    bool     `json:"burst"`
	Pad      int      `json:"pad"`
	Owner    string   `json:"owner"`
}

// publish makes the workers publish, each for its share of the sessions.
func (h *hosted) publish(b *bench, p publication) {
	b.Helper()
	lines := h.lines(b.T, 1)
	half := (len(p.Sessions) + 1) / 2
	sessions := p.Sessions
	for i, worker := range h.workers {
		p.Owner, p.Sessions = "bench", sessions[min(i*half, len(sessions)):min((i+1)*half, len(sessions))]
		if len(p.Sessions) > 0 {
			lines[worker][0].publish(b.T, p)
		}
	}
}

func (l *line) publish(t *testing.T, p publication) {
	t.Helper()
	status, text, err := l.do(http.MethodPost, "/debug/publish", p)
	if err != nil || status != http.StatusOK {
		t.Fatalf("POST /debug/publish: status %d, %v: %s", status, err, text)
	}
}
