package httpapi

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestAServerWithoutDescriptorsServesAgainWhenItHasSome(t *testing.T) {
	f := serve(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	waiting := f.dialAll(5) // the kernel connects them, whether or not the server can accept
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

// descriptors is the process's limit on open files.
type descriptors struct {
	t     *testing.T
	limit syscall.Rlimit
	fds   []int
}

// exhaust opens every descriptor that a lowered limit leaves.
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
