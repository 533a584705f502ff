package pages_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// line is a proxy between the browser and the service with a fixed address. It can cut
// connections, be unavailable for a while, and lead to another service.
type line struct {
	t       *testing.T
	address string
	url     string

	mu       sync.Mutex
	listener net.Listener // nil = unavailable
	to       string
	conns    []net.Conn
}

func lineTo(s *servicetest.Service) *line {
	s.T.Helper()
	l := &line{t: s.T, address: "127.0.0.1:0", to: strings.TrimPrefix(s.URL, "http://")}
	l.open()
	l.url = "http://" + l.address
	s.T.Cleanup(l.shut)
	return l
}

func (l *line) open() {
	l.t.Helper()
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	l.listener, l.address = listener, listener.Addr().String()
	l.mu.Unlock()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go l.pass(client)
		}
	}()
}

func (l *line) pass(client net.Conn) {
	l.mu.Lock()
	to := l.to
	l.mu.Unlock()
	server, err := net.Dial("tcp", to)
	if err != nil {
		_ = client.Close()
		return
	}
	l.mu.Lock()
	l.conns = append(l.conns, client, server)
	l.mu.Unlock()
	go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
	_, _ = io.Copy(client, server)
	_ = client.Close()
}

// cut closes all connections; new ones are accepted.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_ = conn.Close()
	}
	l.conns = nil
}

// shut closes all connections and accepts no more.
func (l *line) shut() {
	l.mu.Lock()
	if l.listener != nil {
		_ = l.listener.Close()
		l.listener = nil
	}
	l.mu.Unlock()
	l.cut()
}

// leadTo makes new connections go to another service.
func (l *line) leadTo(s *servicetest.Service) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = strings.TrimPrefix(s.URL, "http://")
}
