package openai

import (
	"slices"
	"sync"
	"syscall"
	"time"
)

const idleFor = 90 * time.Second // how long a connection may be idle

// idleConns are idle connections. The zero value is empty.
type idleConns struct {
	mu    sync.Mutex
	conns []*directConn // the most recently used one is last
	sweep *time.Timer   // closes connections that have been idle for too long; set while there are any
}

// take removes and returns the most recently used connection to a host that is still usable; nil = there is none.
func (i *idleConns) take(host string) *directConn {
	for {
		conn := i.pop(host)
		if conn == nil || conn.isQuiet() {
			return conn
		}
		_ = conn.Close()
	}
}

func (i *idleConns) pop(host string) *directConn {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := len(i.conns) - 1; n >= 0; n-- {
		if conn := i.conns[n]; conn.host == host && time.Since(conn.since) < idleFor {
			i.conns = slices.Delete(i.conns, n, n+1)
			return conn
		}
	}
	return nil
}

// put adds a connection; it returns false if there are enough.
func (i *idleConns) put(conn *directConn) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.conns) >= maxIdleConns {
		return false
	}
	conn.since = time.Now()
	i.conns = append(i.conns, conn)
	if i.sweep == nil {
		i.sweep = time.AfterFunc(idleFor, i.closeOld)
	}
	return true
}

func (i *idleConns) closeOld() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.conns = slices.DeleteFunc(i.conns, func(conn *directConn) bool {
		old := time.Since(conn.since) >= idleFor
		if old {
			_ = conn.Close()
		}
		return old
	})
	if i.sweep = nil; len(i.conns) > 0 {
		i.sweep = time.AfterFunc(idleFor-time.Since(i.conns[0].since), i.closeOld)
	}
}

func (i *idleConns) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, conn := range i.conns {
		_ = conn.Close()
	}
	i.conns = nil
	if i.sweep != nil {
		i.sweep.Stop()
		i.sweep = nil
	}
}

// isQuiet reports whether nothing has arrived since the last response: neither the end of the connection nor unexpected
// bytes.
func (c *directConn) isQuiet() bool {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = control.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT) //nolint:gosec // a descriptor
		quiet = err == syscall.EAGAIN
		return true
	})
	return quiet && err == nil
}
