package journal

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy sits between a process and Redis, and withholds replies on demand.
type proxy struct {
	net.Listener
	to string

	mu    sync.Mutex
	muted func(request []byte) bool // true: withhold this request's reply, and all later ones
	open  map[net.Conn]struct{}
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to, muted: func([]byte) bool { return false }, open: map[net.Conn]struct{}{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := p.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.pass(c) })
		}
	})
	t.Cleanup(func() { _ = p.Close(); p.cut(); all.Wait() })
	return p
}

func (p *proxy) url() string { return "redis://" + p.Addr().String() }

func (p *proxy) mute(when func(request []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muted = when
}

// cut closes all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *proxy) pass(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.mu.Lock()
	p.open[client] = struct{}{}
	p.mu.Unlock()
	var silent atomic.Bool
	go func() {
		defer func() { _ = client.Close() }()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			if !silent.Load() {
				_, _ = client.Write(buffer[:n])
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.muted(buffer[:n]) {
			silent.Store(true)
		}
		p.mu.Unlock()
		if _, err := io.Copy(server, bytes.NewReader(buffer[:n])); err != nil {
			return
		}
	}
}
