package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Conn is a keep-alive connection, and the worker that has it.
type Conn struct {
	Worker int // process id
	mu     sync.Mutex
	conn   net.Conn
	r      *bufio.Reader
}

// ConnsPerWorker opens connections until every worker has at least each of them, and returns them by the worker's
// process id.
func (h *Instance) ConnsPerWorker(t *testing.T, each int) map[int][]*Conn {
	t.Helper()
	all := map[int][]*Conn{}
	for range 100 {
		var fresh []*Conn
		for range 2 * each {
			fresh = append(fresh, h.dial(t))
		}
		held, err := ConnectionHolders(h.Port, h.Workers)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range fresh {
			c.Worker = held[c.conn.LocalAddr().(*net.TCPAddr).Port]
			all[c.Worker] = append(all[c.Worker], c)
		}
		if len(all[h.Workers[0]]) >= each && len(all[h.Workers[1]]) >= each {
			return all
		}
	}
	t.Fatal("one of the workers accepts no connections")
	return nil
}

// dial opens a connection and sends a request, so that a worker has accepted it.
func (h *Instance) dial(t *testing.T) *Conn {
	t.Helper()
	conn, err := net.Dial("tcp", h.Address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &Conn{conn: conn, r: bufio.NewReader(conn)}
	if status, text, err := c.Do(http.MethodGet, "/livez", nil); err != nil || status != http.StatusOK {
		t.Fatalf("GET /livez: status %d, %v: %s", status, err, text)
	}
	return c
}

// Do sends one request whose answer must not come from the cache.
func (c *Conn) Do(method, path string, in any) (status int, body []byte, err error) {
	got, err := c.Send(method, path, in, "Cache-Control", "no-cache")
	return got.Status, got.Body, err
}

// Send sends one request. header alternates names and values.
func (c *Conn) Send(method, path string, in any, header ...string) (Answer, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return Answer{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	request, err := http.NewRequest(method, "http://"+c.conn.RemoteAddr().String()+path, bytes.NewReader(text))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	if err := c.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return Answer{}, err
	}
	if err := request.Write(c.conn); err != nil {
		return Answer{}, err
	}
	response, err := http.ReadResponse(c.r, request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return Answer{response.StatusCode, response.Header, body}, err
}
