package servicetest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Pair returns the process ids of the two workers, the lower one first.
func (s *Service) Pair() (int, int) {
	s.T.Helper()
	var pids []int
	for pid := range s.PIDs() {
		pids = append(pids, pid)
	}
	if slices.Sort(pids); len(pids) != 2 {
		s.T.Fatalf("the workers are %v", pids)
	}
	return pids[0], pids[1]
}

// Kill ends a worker with SIGKILL.
func (s *Service) Kill(worker int) {
	s.T.Helper()
	if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
		s.T.Fatal(err)
	}
}

// Dial connects to one of the workers (0 = either). Both accept from one socket, so it
// connects until the right worker has accepted, and keeps the other connections open
// meanwhile: a worker with more connections lets its sibling accept first.
func (s *Service) Dial(worker int) *net.TCPConn {
	s.T.Helper()
	for range 100 {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), 10*time.Second)
		if err != nil {
			s.T.Fatalf("%v\n%s", err, s.Log)
		}
		if worker == 0 || s.accepted(conn, worker) {
			return conn.(*net.TCPConn)
		}
		defer conn.Close()
	}
	s.T.Fatalf("worker %d accepts none of 100 connections\n%s", worker, s.Log)
	return nil
}

// accepted waits until a connection is accepted, and reports whether this worker has it.
func (s *Service) accepted(conn net.Conn, worker int) bool {
	s.T.Helper()
	var socket string
	s.Eventually("a connection is accepted", func() bool {
		socket = farSocket(s.T, conn)
		return socket != "0"
	})
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", worker))
	if err != nil || len(links) == 0 {
		s.T.Fatalf("worker %d is gone: %v\n%s", worker, err, s.Log)
	}
	return slices.ContainsFunc(links, func(link string) bool {
		target, err := os.Readlink(link)
		return err == nil && target == "socket:["+socket+"]"
	})
}

// farSocket returns the inode of the other end of a connection on this machine, from
// proc_net_tcp(5); "0" = it has not been accepted yet.
func farSocket(t *testing.T, conn net.Conn) string {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	near, far := conn.LocalAddr().(*net.TCPAddr).Port, conn.RemoteAddr().(*net.TCPAddr).Port
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", far)) && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", near)) {
			return f[9]
		}
	}
	return "0"
}

// Signal sends a signal to the supervisor.
func (s *Service) Signal(sig syscall.Signal) {
	s.T.Helper()
	if err := s.Cmd.Process.Signal(sig); err != nil {
		s.T.Fatal(err)
	}
}
