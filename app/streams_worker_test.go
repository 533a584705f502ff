package main

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

	"github.com/google/uuid"

	"studysharper/loadtest/fakellm"
)

// pair gives the two workers' process ids.
func (s *service) pair() (int, int) {
	s.t.Helper()
	var pids []int
	for pid := range s.pids() {
		pids = append(pids, pid)
	}
	if slices.Sort(pids); len(pids) != 2 {
		s.t.Fatalf("the workers are %v", pids)
	}
	return pids[0], pids[1]
}

func (s *service) kill(worker int) {
	s.t.Helper()
	if err := syscall.Kill(worker, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
}

// dial connects to one of the workers (0 = either). Both accept from one socket, so
// it connects until the right one has accepted, and keeps the wrong ones' open
// meanwhile: a worker with more connections lets its sibling go first.
func (s *service) dial(worker int) *net.TCPConn {
	s.t.Helper()
	for range 100 {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.url, "http://"), 10*time.Second)
		if err != nil {
			s.t.Fatalf("%v\n%s", err, s.log)
		}
		if worker == 0 || s.accepted(conn, worker) {
			return conn.(*net.TCPConn)
		}
		defer conn.Close()
	}
	s.t.Fatalf("worker %d accepts none of 100 connections\n%s", worker, s.log)
	return nil
}

// accepted waits until a connection is accepted, and tells whether by this worker.
func (s *service) accepted(conn net.Conn, worker int) bool {
	s.t.Helper()
	var socket string
	s.eventually("a connection is accepted", func() bool {
		socket = farSocket(s.t, conn)
		return socket != "0"
	})
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", worker))
	if err != nil || len(links) == 0 {
		s.t.Fatalf("worker %d is gone: %v\n%s", worker, err, s.log)
	}
	return slices.ContainsFunc(links, func(link string) bool {
		target, err := os.Readlink(link)
		return err == nil && target == "socket:["+socket+"]"
	})
}

// farSocket is the inode of the other end of a connection on this machine, by
// proc_net_tcp(5); "0" = nobody has accepted it yet.
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

func TestStreamOfAKilledWorkerIsResumedOnTheOther(t *testing.T) {
	s, fake := studying(t, nil)
	fake.hold()
	runner, other := s.pair()
	session, _ := s.post(runner, "")
	steady, first := s.open(runner, session), s.open(other, session)
	first.reachMiddle()
	s.kill(other)
	seen := first.cut()
	fake.letGo()
	all := slices.Concat(seen, s.open(runner, session, lastID(seen)).end())
	expectEssay(t, all, 1)
	if !slices.Equal(all, steady.end()) {
		t.Errorf("the stream in two parts is another than the one in one: %+v", all)
	}
}

func TestStreamIsResumedManyTimesWithNothingLostOrDoubled(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	session, _ := s.post(a, "")
	var all []heard
	for i := 0; len(all) == 0 || !all[len(all)-1].terminal(); i++ {
		var header []string
		if len(all) > 0 {
			header = []string{lastID(all)}
		}
		part := s.open([]int{a, b}[i%2], session, header...)
		s.eventually("a part of the run", func() bool {
			got := part.sofar()
			return len(got) >= 5 || len(got) > 0 && got[len(got)-1].terminal()
		})
		_ = part.Close()
		all = append(all, part.cut()...)
	}
	expectEssay(t, all, 1)
}

func TestStreamsOfARunKilledInTheMiddleEndWithOneErrorThatMayBeRetried(t *testing.T) {
	s, fake := studying(t, nil)
	fake.hold()
	runner, other := s.pair()
	session, _ := s.post(runner, "")
	there, here := s.open(other, session), s.open(runner, session)
	here.reachMiddle()
	there.reachMiddle() // what was said cannot be taken back
	s.kill(runner)
	seen := here.cut()
	again := s.open(other, session, lastID(seen))
	for _, events := range [][]heard{there.end(), slices.Concat(seen, again.end())} {
		if last := expectWhole(t, events, 1); last.Type != "error" || !last.Retryable {
			t.Errorf("the run ended with %+v", last)
		}
	}
	if after := s.open(other, session, lastID(there.sofar())); after.status != 204 {
		t.Errorf("who has seen the end is answered %d", after.status)
	}
	if calls := fake.Counts().Calls; calls != 1 {
		t.Errorf("the model was asked %d times for one answer", calls)
	}
}

func TestStreamOfARunKilledBeforeItSaidAnythingHasOneEnd(t *testing.T) {
	s, fake := studying(t, []fakellm.Rule{{Fault: fakellm.Hang, Times: 1}})
	runner, other := s.pair()
	session, _ := s.post(runner, "")
	w := s.open(other, session)
	w.until(2) // start and progress
	s.eventually("the model is asked", func() bool { return fake.Counts().Calls == 1 })
	s.kill(runner)
	events := w.end()
	switch last := expectWhole(t, events, 1); {
	case last.Type == "error" && !last.Retryable:
		t.Errorf("the run ended with %+v", last)
	case last.Type == "complete":
		expectEssay(t, events, 1) // it was run again
	}
}

func TestStreamsGoOnThroughAReloadOnTheSameConnections(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	session, _ := s.post(a, "")
	watchers := []*watcher{s.open(a, session), s.open(a, session), s.open(b, session), s.open(b, session)}
	watchers[0].until(15)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for _, w := range watchers {
		expectEssay(t, w.end(), 1)
	}
	s.eventually("both workers are new", func() bool {
		pids := s.pids()
		return len(pids) == 2 && !pids[a] && !pids[b]
	})
}

func TestStreamsOfOneSessionAreTheSameOnBothWorkersWheneverTheyAreOpened(t *testing.T) {
	s, fake := studying(t, nil)
	fake.hold()
	a, b := s.pair()
	session := uuid.NewString()
	watchers := []*watcher{s.open(a, session), s.open(b, session)} // before the run
	s.post(a, session)
	watchers = append(watchers, s.open(a, session), s.open(b, session))
	watchers[0].reachMiddle() // in the middle of it
	watchers = append(watchers, s.open(a, session), s.open(b, session))
	fake.letGo()
	whole := watchers[0].end() // behind it
	watchers = append(watchers, s.open(a, session), s.open(b, session))
	expectEssay(t, whole, 1)
	for i, w := range watchers {
		if got := w.end(); !slices.Equal(got, whole) {
			t.Errorf("watcher %d has another stream than the first: %+v", i, got)
		}
	}
}

func TestStreamsOfSeveralRunsOfASessionAreNumberedOn(t *testing.T) {
	s, _ := studying(t, nil)
	a, b := s.pair()
	session, run := s.post(a, "")
	last := s.open(b, session).end()
	expectEssay(t, last, 1)
	for i, worker := range []int{b, a} {
		before := run
		if _, run = s.post(worker, session); run == before {
			t.Fatalf("two runs are called %s", run)
		}
		next := last[len(last)-1].Seq + 1
		fresh := s.open(a, session)
		resumed := s.open(b, session, lastID(last)).end()
		expectEssay(t, resumed, next)
		if !slices.Equal(fresh.end(), resumed) || resumed[0].RunID != run {
			t.Errorf("run %d: a new stream begins elsewhere than a resumed one: %+v", i+2, fresh.sofar())
		}
		last = resumed
	}
}
