package httpapi

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"studysharper/app/metrics"
	"studysharper/app/shm"
)

func TestAServerWithoutDescriptorsServesAgainWhenItHasSome(t *testing.T) {
	f := serve(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	waiting := f.dialAll(5) // connected by the kernel, whether or not the server can accept
	held := exhaust(t, &limit)
	more := make([]*client, 0, 5)
	for range 5 {
		if conn, err := net.Dial("tcp", f.address); err == nil {
			more = append(more, &client{t: t, conn: conn})
		}
	}
	held.release()
	for i, c := range append(waiting, more...) {
		c.send(get)
		buf := make([]byte, 12)
		if err := c.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c.conn, buf); err != nil || string(buf) != "HTTP/1.1 200" {
			t.Errorf("client %d: %q, %v", i, buf, err)
		}
	}
	if r := f.ask("GET", "/livez", ""); r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

// dialAll opens connections.
func (f *face) dialAll(n int) []*client {
	f.t.Helper()
	list := make([]*client, n)
	for i := range list {
		list[i] = f.dial()
	}
	return list
}

// descriptors are all that a process may have.
type descriptors struct {
	t     *testing.T
	limit syscall.Rlimit
	fds   []int
}

// exhaust takes every descriptor that is left below a lowered limit.
func exhaust(t *testing.T, limit *syscall.Rlimit) *descriptors {
	t.Helper()
	d := &descriptors{t: t, limit: *limit}
	low := *limit
	low.Cur = min(limit.Cur, 512)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := syscall.Dup(0)
		if errors.Is(err, syscall.EMFILE) {
			return d
		}
		if err != nil {
			d.release()
			t.Fatal(err)
		}
		d.fds = append(d.fds, fd)
	}
}

func (d *descriptors) release() {
	for _, fd := range d.fds {
		_ = syscall.Close(fd)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &d.limit); err != nil {
		d.t.Error(err)
	}
}

func TestAWorkerWithClearlyMoreLetsItsSiblingAcceptFirst(t *testing.T) {
	board := metrics.NewBoard(shm.Local(metrics.BoardSize))
	own, _ := board.Claim(0, 1)
	other, _ := board.Claim(1, 1)
	l := &listener{conns: newConns(board.Worker(own)), board: board}
	sibling := board.Worker(other)
	tests := []struct {
		name            string
		ours, theirs    int64
		state           metrics.State
		silent, heavier bool
	}{
		{"equal", 10, 10, metrics.Ready, false, false},
		{"two more", 12, 10, metrics.Ready, false, false},
		{"more than two and a tenth", 14, 10, metrics.Ready, false, true},
		{"a tenth of many", 1100, 1000, metrics.Ready, false, false},
		{"more than a tenth of many", 1103, 1000, metrics.Ready, false, true},
		{"the sibling is booting", 100, 0, metrics.Booting, false, false},
		{"the sibling leaves", 100, 0, metrics.Draining, false, false},
		{"the sibling is silent", 100, 0, metrics.Ready, true, false},
	}
	for _, tt := range tests {
		board.Worker(own).Set(metrics.Connections, tt.ours)
		sibling.Set(metrics.Streams, tt.theirs)
		sibling.Set(metrics.StateOf, int64(tt.state))
		sibling.Set(metrics.Heartbeat, metrics.Monotonic())
		if tt.silent {
			sibling.Set(metrics.Heartbeat, metrics.Monotonic()-int64(freshFor)-1)
		}
		if got := l.heavier(); got != tt.heavier {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}
