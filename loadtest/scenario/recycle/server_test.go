package recycle

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"studysharper/loadtest/scenario/child"
)

func TestParseSocketsReadsTheKernelsTable(t *testing.T) {
	const table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000 100 0 0 10 0\n" +
		"   1: 0100007F:1F90 0200007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0000 20 4 30 10 -1\n" +
		"   2: garbage\n   3: 0100007F 0:0 01 a b c d e f\n   4: 0100007F:1F901 0:0 01 a b c d e f g\n"
	got := parseSockets(table)
	want := []socket{{8080, 0, tcpListen, "4242"}, {8080, 0xC001, tcpEstablished, "4243"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseSockets(f *testing.F) {
	f.Add("   0: 0100007F:1F90 00000000:0000 0A a b c d e 4242 1\n")
	f.Fuzz(func(t *testing.T, table string) {
		for _, s := range parseSockets(table) {
			if s.localPort < 0 || s.localPort > 65535 || s.remotePort < 0 || s.remotePort > 65535 {
				t.Errorf("%q: got %+v", table, s)
			}
		}
	})
}

func TestParseStateLooksBehindTheName(t *testing.T) {
	for stat, want := range map[string]byte{"7 (a) S 1": 'S', "7 (a) Z) Z 1": 'Z', "7 (a) R (b) T 1": 'T'} {
		if got, ok := parseState(stat); !ok || got != want {
			t.Errorf("%q: got %c, %t", stat, got, ok)
		}
	}
	for _, stat := range []string{"", "7 a S", "7 (a) "} {
		if got, ok := parseState(stat); ok {
			t.Errorf("%q: got %c", stat, got)
		}
	}
}

func TestTheKernelSaysWhoServesAConnection(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	served, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ports := clientPorts(os.Getpid(), port)
	if local := client.LocalAddr().(*net.TCPAddr).Port; len(ports) != 1 || !ports[local] {
		t.Errorf("got %v, want %d", ports, local)
	}
	served.Close()
	if ports := clientPorts(os.Getpid(), port); len(ports) != 0 {
		t.Errorf("closed: got %v", ports)
	}
	if clientPorts(-1, port) == nil || listeningPort(-1) != 0 {
		t.Error("not a process")
	}
}

func TestListeningPortFindsThisProcesssOwn(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got, want := listeningPort(os.Getpid()), listener.Addr().(*net.TCPAddr).Port; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestChildrenCountsTheLivingOnly(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Skip("no sleep:", err)
	}
	alive := func() bool {
		for _, pid := range children(os.Getpid()) {
			if pid == child.Process.Pid {
				return true
			}
		}
		return false
	}
	if !alive() {
		t.Error("a living child is not seen")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); alive(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("a zombie counts as alive")
		}
	}
	_ = child.Wait()
}

func TestFreezeStopsOwnWorkersOnly(t *testing.T) {
	worker := exec.Command("sleep", "60")
	if err := worker.Start(); err != nil {
		t.Skip("no sleep:", err)
	}
	defer func() { _ = worker.Process.Kill(); _ = worker.Wait() }()
	s := &Server{Process: &child.Process{PID: os.Getpid()}}
	if _, at, err := s.Freeze(context.Background(), worker.Process.Pid); err != nil || at.IsZero() || !isStopped(worker.Process.Pid) {
		t.Errorf("at %v: %v", at, err)
	}
	if _, _, err := s.Freeze(context.Background(), os.Getppid()); err == nil {
		t.Error("a process that is not a worker was stopped")
	}
}

func TestHearKeepsReadyWorkersAndComplaints(t *testing.T) {
	s := &Server{news: make(chan struct{}), Process: &child.Process{Ended: make(chan struct{})}}
	now := time.Now()
	for _, line := range []string{
		`time=T level=INFO msg="Worker ready" pid=31 slot=0 boot_ms=9`,
		`time=T level=INFO msg=request status=200`,
		`time=T level=WARN msg="control socket write failed" pid=31`,
		`time=T level=ERROR msg="Worker timeout (pid: 31)" slot=0`,
		`panic: no level at all`, ``,
		`time=T level=INFO msg="Worker ready" worker=1 pid=32 slot=1 boot_ms=9`,
	} {
		s.hear(line, now)
	}
	if len(s.ready) != 2 || s.ready[0] != (Ready{31, 0, now}) || s.ready[1] != (Ready{32, 1, now}) {
		t.Errorf("ready: %+v", s.ready)
	}
	if told := strings.Join(s.Told(), "|"); len(s.Told()) != 3 || !strings.Contains(told, "panic") || strings.Contains(told, "request") {
		t.Errorf("told: %s", told)
	}
	for range keptLines + 1 {
		s.hear("level=WARN msg=again", now)
	}
	if n := len(s.Told()); n != keptLines {
		t.Errorf("%d lines are kept", n)
	}
}

func TestAwaitReadyWantsTheSlotAndALaterMoment(t *testing.T) {
	s := &Server{news: make(chan struct{}), Process: &child.Process{Ended: make(chan struct{})}}
	at := time.Now()
	s.hear(`level=INFO msg="Worker ready" pid=1 slot=0`, at.Add(-time.Second))
	s.hear(`level=INFO msg="Worker ready" pid=2 slot=1`, at.Add(time.Second))
	go s.hear(`level=INFO msg="Worker ready" pid=3 slot=0`, at.Add(time.Second))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if r, err := s.AwaitReady(ctx, 0, at); err != nil || r.PID != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	cancel()
	if _, err := s.AwaitReady(ctx, 5, at); !errors.Is(err, context.Canceled) {
		t.Errorf("no such slot: %v", err)
	}
	close(s.Ended)
	if _, err := s.AwaitReady(context.Background(), 5, at); err == nil {
		t.Error("an ended server has a successor")
	}
}

func TestStartTellsWhyAServerDoesNotCome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	script := "#!/bin/sh\necho 'PORT=0: no such luck' >&2\nexit 3\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := startServer(context.Background(), Options{Binary: path, Dir: t.TempDir(), Workers: 2})
	if err == nil || !strings.Contains(err.Error(), "no such luck") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

func TestPlannedRecyclesAreNotLosses(t *testing.T) {
	r := Recycles{MaxRequests: 1, Memory: 2, Timeout: 4, Crash: 8, Reload: 16}
	if r.Planned() != 19 || r.Unplanned() != 12 {
		t.Errorf("planned %d, unplanned %d", r.Planned(), r.Unplanned())
	}
	p := Page{Workers: []Worker{{PID: 1, State: "draining"}, {PID: 2, State: stateReady}, {PID: 3, Slot: 1, State: "booting"}}}
	if w, ok := p.InSlot(0); !ok || w.PID != 2 || p.ready() != 1 {
		t.Errorf("got %+v", w)
	}
	if _, ok := p.InSlot(1); ok {
		t.Error("a booting worker takes requests")
	}
}
