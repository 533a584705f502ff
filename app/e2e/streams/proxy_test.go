package streams_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// cutAt is how many bytes of the first response pass through a cutting proxy: its head and
// about thirty of the essay's events, the last one incomplete.
const cutAt = 3000

// proxy forwards between a client and the service. It can cut its first connection in the
// middle of an event, and it records the Last-Event-ID of each request.
type proxy struct {
	net.Listener
	url   string
	s     *servicetest.Service
	first *net.TCPConn       // the first client's connection to the service; nil = to either worker
	end   func(*net.TCPConn) // cuts the first connection after cutAt bytes; nil = it is not cut

	serving sync.WaitGroup
	mu      sync.Mutex
	asked   []string // the Last-Event-ID of each request
	conns   []net.Conn
}

func closed(conn *net.TCPConn) { _ = conn.Close() }

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

func proxied(s *servicetest.Service, first *net.TCPConn, end func(*net.TCPConn)) *proxy {
	s.T.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.T.Fatal(err)
	}
	p := &proxy{Listener: listener, url: "http://" + listener.Addr().String(), s: s, first: first, end: end}
	p.serving.Go(p.serve)
	s.T.Cleanup(p.stop)
	return p
}

func (p *proxy) stop() {
	_ = p.Close()
	p.mu.Lock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
}

func (p *proxy) serve() {
	for first := true; ; first = false {
		client, err := p.Accept()
		if err != nil {
			return
		}
		var service net.Conn = p.first
		if !first || p.first == nil {
			service, err = net.Dial("tcp", strings.TrimPrefix(p.s.URL, "http://"))
		}
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, service)
		p.mu.Unlock()
		p.serving.Go(func() { p.requests(client, service) })
		p.serving.Go(func() { p.responses(client.(*net.TCPConn), service, first && p.end != nil) })
	}
}

// requests forwards the client's requests.
func (p *proxy) requests(client, service net.Conn) {
	defer service.Close()
	for r := bufio.NewReader(client); ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.asked = append(p.asked, req.Header.Get("Last-Event-ID"))
		p.mu.Unlock()
		if req.Write(service) != nil {
			return
		}
	}
}

// responses forwards the service's responses.
func (p *proxy) responses(client *net.TCPConn, service net.Conn, cut bool) {
	defer service.Close()
	if cut {
		_, _ = io.CopyN(client, service, cutAt)
		p.end(client)
		return
	}
	_, _ = io.Copy(client, service)
	_ = client.Close()
}

// requested returns the Last-Event-ID of each request so far.
func (p *proxy) requested() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// expectResumed checks that the client connected three times: at first, again from where it
// was cut off, and once more after the run's last event.
func (p *proxy) expectResumed(whole []servicetest.Event) {
	p.s.T.Helper()
	asked := p.requested()
	at := -1
	if len(asked) == 3 {
		at = slices.IndexFunc(whole, func(e servicetest.Event) bool { return e.ID == asked[1] })
	}
	if at <= 0 || at == len(whole)-1 || asked[0] != "" || asked[2] != whole[len(whole)-1].ID {
		p.s.T.Errorf("the client asked for what follows %q of %+v", asked, whole)
	}
}

func TestStreamThatAProxyCutsIsResumedWhereItWasCut(t *testing.T) {
	s, whole := servicetest.WholeRun(t)
	for _, end := range []func(*net.TCPConn){closed, reset} {
		p := proxied(s, nil, end)
		conn, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		first := s.OpenRaw(conn.(*net.TCPConn), servicetest.StreamRequest(whole[0].SessionID))
		seen := first.Cut()
		if len(seen) == 0 || len(seen) == len(whole) {
			t.Fatalf("the proxy cut behind event %d of %d", len(seen), len(whole))
		}
		if all := slices.Concat(seen, s.Open(0, whole[0].SessionID, servicetest.LastID(seen)).End()); !slices.Equal(all, whole) {
			t.Errorf("got %+v", all)
		}
	}
}
