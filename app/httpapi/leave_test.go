package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"studysharper/app/agent"
	"studysharper/app/metrics"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// pair is a worker that is leaving and its successor, in one process.
type pair struct {
	old, next *face
}

func serveTwo(t *testing.T) pair {
	t.Helper()
	old := serve(t)
	return pair{old: old, next: serve(t, func(o *Options) { o.Journal = old.journal })}
}

// over hands a connection to the successor like the control socket: as a duplicate of its descriptor.
func (p pair) over(fd int, stream json.RawMessage) error {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if stream != nil {
		return p.next.server.AdoptStream(own, stream)
	}
	file := os.NewFile(uintptr(own), "connection")
	conn, err := net.FileConn(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	p.next.server.Adopt(conn.(*net.TCPConn))
	return nil
}

// leave makes the old worker hand over and stop.
func (p pair) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return p.old.server.Leave(ctx, p.over)
}

func TestIdleConnectionsGoToTheSuccessorAndTheirClientsDoNotNotice(t *testing.T) {
	p := serveTwo(t)
	clients := make([]*client, 20)
	for i := range clients {
		clients[i] = p.old.dial()
		if i%2 == 0 { // the others have sent nothing yet
			clients[i].send(get)
			if err := clients[i].receive(); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.old.untilHeld(20)
	if err := p.leave(); err != nil {
		t.Fatal(err)
	}
	if n := p.old.board.Sum(metrics.Connections); n != 0 {
		t.Errorf("the old worker still has %d connections", n)
	}
	before := p.next.requests()
	for i, c := range clients {
		c.send(get)
		if err := c.receive(); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
	}
	if n := p.next.requests() - before; n != 20 {
		t.Errorf("the successor answered %d of 20", n)
	}
}

func TestARequestUnderWayIsFinishedWhereItBegan(t *testing.T) {
	p := serveTwo(t)
	half, slow := p.old.dial(), p.old.dial()
	head := "POST /api/ai/process HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(chat)) + "\r\n\r\n"
	entered, release := make(chan struct{}, 2), make(chan struct{})
	do := p.old.runs.do
	p.old.runs.do = func(q study.Request) (agent.Outcome, error) {
		entered <- struct{}{}
		<-release
		return do(q)
	}
	half.send(head + chat[:10])
	slow.send(head + chat)
	<-entered
	p.old.untilActive(2)
	left := make(chan error, 1)
	go func() { left <- p.leave() }()
	half.send(chat[10:])
	<-entered
	close(release)
	for name, c := range map[string]*client{"half sent": half, "being answered": slow} {
		if err := c.receive(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := <-left; err != nil {
		t.Errorf("leave: %v", err)
	}
	for name, c := range map[string]*client{"half sent": half, "being answered": slow} {
		c.send(get)
		if err := c.receive(); err != nil {
			t.Errorf("%s, afterwards: %v", name, err)
		}
	}
	if n := p.old.requests(); n != 2 {
		t.Errorf("the old worker answered %d", n)
	}
}

func TestPipelinedRequestsAreAllAnsweredAcrossTheHandOver(t *testing.T) {
	p := serveTwo(t)
	const n = 200
	c := p.old.dial()
	go func() { _, _ = io.WriteString(c.conn, strings.Repeat(get, n)) }()
	left := make(chan error, 1)
	for i := range n {
		if i == 3 {
			go func() { left <- p.leave() }()
		}
		if err := c.receive(); err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
	}
	if err := <-left; err != nil {
		t.Error(err)
	}
}

func TestConnectionsThatNobodyTakesAreServedOnAndToldToClose(t *testing.T) {
	p := serveTwo(t)
	clients := []*client{p.old.dial(), p.old.dial()}
	for _, c := range clients {
		c.send(get)
		if err := c.receive(); err != nil {
			t.Fatal(err)
		}
	}
	refused := make(chan struct{}, 8)
	left := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		left <- p.old.server.Leave(ctx, func(int, json.RawMessage) error {
			refused <- struct{}{}
			return errors.New("no successor")
		})
	}()
	<-refused
	for i, c := range clients {
		c.send(get)
		if err := c.receive(); err == nil || !strings.Contains(err.Error(), "status 200, close true") {
			t.Errorf("client %d: %v", i, err)
		}
	}
	if err := <-left; err != nil {
		t.Errorf("leave: %v", err)
	}
}

func TestAConnectionMayBeAdoptedBeforeTheServerServes(t *testing.T) {
	f := serve(t)
	unserved := New(f.server.o)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	unserved.Adopt(accepted.(*net.TCPConn))
	c := &client{t, conn, bufio.NewReader(conn)}
	c.send(get)
	if err := c.receive(); err != nil {
		t.Error(err)
	}
	_ = conn.Close()
	if err := unserved.http.Leave(t.Context(), func(int) error { return errors.New("nobody") }); err != nil { // the board is unmapped when the test ends
		t.Error(err)
	}
}

func TestAServerToldToLeaveBeforeItServesDoesNotServe(t *testing.T) {
	f := serve(t)
	for name, leave := range map[string]func(*Server) error{
		"leave": func(s *Server) error { return s.Leave(t.Context(), nil) },
		"drain": func(s *Server) error { return s.Drain(t.Context()) },
	} {
		s := New(f.server.o)
		if err := leave(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(listener.(*net.TCPListener)); err != nil {
			t.Errorf("%s, serve: %v", name, err)
		}
	}
}

func TestBusyClientsLoseNothingOverManyHandOvers(t *testing.T) {
	const clients = 16
	swaps := testkit.Size(20, 60)
	generations := []*face{serve(t)}
	for range swaps {
		generations = append(generations, serve(t))
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var mu sync.Mutex
	answered := 0
	for range clients {
		c := generations[0].dial()
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := io.WriteString(c.conn, get); err != nil {
					t.Error(err)
					return
				}
				if err := c.receive(); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				answered++
				mu.Unlock()
			}
		})
	}
	generations[0].untilHeld(clients)
	for i := range swaps {
		if err := (pair{generations[i], generations[i+1]}).leave(); err != nil {
			t.Errorf("swap %d: %v", i, err)
		}
	}
	close(stop)
	wg.Wait()
	if answered < clients*swaps/4 {
		t.Errorf("only %d requests over %d hand-overs", answered, swaps)
	}
}
