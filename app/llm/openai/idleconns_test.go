package openai

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestIdleConnectionsAreBoundedAndForgotten(t *testing.T) {
	var idle idleConns
	var pipes []net.Conn
	for n := range maxIdleConns + 1 {
		near, far := net.Pipe()
		pipes = append(pipes, far)
		if kept := idle.put(&directConn{Conn: near, host: "a"}); kept != (n < maxIdleConns) {
			t.Errorf("connection %d kept: %v", n, kept)
		}
	}
	if idle.take("b") != nil {
		t.Error("a connection of another host")
	}
	newest := idle.take("a")
	if newest == nil || len(idle.conns) != maxIdleConns-1 {
		t.Fatalf("took %v, %d are left", newest, len(idle.conns))
	}
	idle.close()
	if len(idle.conns) != 0 || idle.sweep != nil {
		t.Errorf("%d are left", len(idle.conns))
	}
	for _, far := range pipes[:maxIdleConns-1] {
		if _, err := far.Read(make([]byte, 1)); err == nil {
			t.Error("an idle connection is open")
		}
	}
}

func TestAnIdleConnectionIsClosedAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var idle idleConns
		kept := func() int {
			idle.mu.Lock()
			defer idle.mu.Unlock()
			return len(idle.conns)
		}
		near, first := net.Pipe()
		idle.put(&directConn{Conn: near, host: "a"})
		time.Sleep(idleFor / 2)
		near, second := net.Pipe()
		idle.put(&directConn{Conn: near, host: "a"})
		for i, far := range []net.Conn{first, second} {
			time.Sleep(idleFor/2 - 1)
			if kept() != 2-i {
				t.Errorf("%d connections before the time of number %d", kept(), i+1)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if _, err := far.Read(make([]byte, 1)); err == nil || kept() != 1-i {
				t.Errorf("%d connections after the time of number %d, error %v", kept(), i+1, err)
			}
		}
		idle.mu.Lock()
		defer idle.mu.Unlock()
		if idle.sweep != nil {
			t.Error("the timer runs on")
		}
	})
}
