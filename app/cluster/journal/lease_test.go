package journal

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"studysharper/app/cluster/conn"
	"studysharper/app/stream"
	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// childOrder is the environment variable that makes the test binary run as a child process.
// Its value is the address, a session, a run, and what to write before waiting to be
// killed.
const childOrder = "REDISJOURNAL_TEST_CHILD"

const testLease = 1500 * time.Millisecond

func leaseOptions() Options {
	return Options{Lease: testLease, RepeatWithin: 6 * time.Second, MaxEvents: roomy.MaxEvents}
}

func beChild(order string) {
	f := strings.Fields(order)
	conn, err := conn.New(f[0], conn.Options{Name: "child"})
	if err != nil {
		panic(err)
	}
	j := New(conn, leaseOptions())
	go func() { _ = j.Run(context.Background()) }()
	w, err := j.Begin(context.Background(), stream.RunInfo{Session: f[1], Run: f[2], Owner: "user-1", Request: []byte("once more"), Silent: f[3] == "silent"})
	if err != nil {
		panic(err)
	}
	_ = w.Append(context.Background(), study.Event{Kind: study.KindStart})
	if f[3] == "spoke" {
		_ = w.Append(context.Background(), token("x"))
	}
	testkit.Poll(func() bool { return !j.unsent() })
	fmt.Println("ready")
	select {}
}

// child is a process that has begun a run and sent some of its events.
func child(t *testing.T, url string, info stream.RunInfo, says string) *os.Process {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childOrder+"="+strings.Join([]string{url, info.Session, info.Run, says}, " "))
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	return c.Process
}

func TestTheRunOfAKilledProcessIsRepeatedOnce(t *testing.T) {
	server := redistest.Start(t)
	offered := make(chan stream.Orphan, 8)
	o := leaseOptions()
	o.Orphaned = func(orphan stream.Orphan) { offered <- orphan }
	processes := []*process{started(t, server.URL(), o), started(t, server.URL(), o)}
	info := runInfo()
	killed := child(t, server.URL(), info, "start")
	got := make(chan watched, 1)
	go func() { got <- follow(t.Context(), processes[1], info.Session) }()
	testkit.Pause(3 * testLease) // it renews its lease, so it is not declared dead
	if len(offered) > 0 {
		t.Fatal("the run of a living process was offered")
	}
	_ = killed.Kill()
	again := info
	again.Takeover = true
	var begun atomic.Int64
	var writer stream.Writer
	// Every process that has not yet learned of the takeover is offered the orphan.
	orphan := <-offered
	if orphan.Session != info.Session || orphan.Run != info.Run || orphan.Owner != "user-1" || string(orphan.Request) != "once more" {
		t.Errorf("the orphan is %+v", orphan)
	}
	for _, p := range processes {
		w, err := p.Begin(t.Context(), again)
		if err == nil {
			begun.Add(1)
			writer = w
		} else if study.AsError(err).Code != study.CodeNotFound {
			t.Error(err)
		}
	}
	if begun.Load() != 1 {
		t.Fatalf("%d took the run over", begun.Load())
	}
	for _, e := range []study.Event{{Kind: study.KindStart}, token("y"), {Kind: study.KindComplete}} {
		if err := writer.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if w := <-got; w.fault != nil || w.missed != 0 || w.text != "y" || w.last != study.KindComplete {
		t.Errorf("the reader got %+v", w)
	}
	b, err := processes[0].Since(t.Context(), stream.Query{Session: info.Session})
	if err != nil || len(b.Events) != 3 || !b.Ended {
		t.Errorf("the journal has %+v, %v; want start, token, complete", b, err)
	}
}

func TestReadersOfADeadProcesssRunThatNobodyTakesOverAreLeftToItsRecord(t *testing.T) {
	server := redistest.Start(t)
	p := started(t, server.URL(), leaseOptions())
	for says, want := range map[string]string{"spoke": "x", "start": ""} {
		info := runInfo()
		killed := child(t, server.URL(), info, says)
		got := make(chan watched, 1)
		go func() { got <- follow(t.Context(), p, info.Session) }()
		_ = killed.Kill()
		select {
		case w := <-got:
			if !study.IsCode(w.fault, study.CodeNotFound) || w.missed != 0 || w.text != want {
				t.Errorf("%s: the reader got %+v", says, w)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: the reader hangs", says)
		}
	}
	testkit.Eventually(t, "nothing is left of the runs", func() bool {
		keys, err := server.Client(t).Keys(context.Background(), "*:runs").Result()
		return err == nil && len(keys) == 0
	})
}

func TestTheRunsOfAProcessThatLostItsLeaseContinueWithoutRedis(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	through := newProxy(t, server.Addr())
	a, b := started(t, through.url(), leaseOptions()), started(t, server.URL(), leaseOptions())
	w, info := begun(t, a)
	say(t, w, token("x"))
	sent(t, a)
	through.mute(func([]byte) bool { return true })
	if got := follow(t.Context(), b, info.Session); !study.IsCode(got.fault, study.CodeNotFound) || got.text != "x" {
		t.Errorf("the reader got %+v", got)
	}
	through.mute(func([]byte) bool { return false })
	through.cut()
	testkit.Eventually(t, "the writer finds out", func() bool {
		say(t, w, token("y"))
		return a.Stats().Detached == 1
	})
	finish(t, w)
}

func TestAProcessThatLeavesInOrderEndsItsRunsAndIsNotTakenForDead(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), leaseOptions()), started(t, server.URL(), leaseOptions())
	info := runInfo()
	info.Request = []byte("not again")
	w, err := a.Begin(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Append(t.Context(), study.Event{Kind: study.KindStart})
	a.stop()
	if got := follow(t.Context(), b, info.Session); got.fault != nil || got.last != study.KindError || got.missed != 0 {
		t.Errorf("the reader got %+v", got)
	}
	ids, err := server.Client(t).ZRange(t.Context(), leases, 0, -1).Result()
	if err != nil || len(ids) != 1 || ids[0] != b.id {
		t.Errorf("leases %v, %v; want b's alone", ids, err)
	}
}

func TestNobodyIsTakenForDeadAfterAnOutageOfAllLeases(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	o := leaseOptions()
	a, b := started(t, server.URL(), o), started(t, server.URL(), o)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a, b}, readers: []stream.Journal{a, b}}
	for n := range 4 {
		l.run(n, 400, 8*time.Millisecond)
	}
	testkit.Eventually(t, "the load continues", func() bool { return l.said.Load() > 100 })
	server.Freeze(t)
	testkit.Pause(2 * testLease)
	server.Thaw(t)
	l.all.Wait()
}

func TestAStepOfTheClockOfRedisKillsNobody(t *testing.T) {
	server := redistest.Start(t)
	processes := []*process{started(t, server.URL(), leaseOptions()), started(t, server.URL(), leaseOptions())}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := &traffic{t: t, ctx: ctx}
	for _, p := range processes {
		l.writers, l.readers = append(l.writers, p), append(l.readers, p)
	}
	testkit.Eventually(t, "all may be judged", func() bool { return processes[0].canDeclareDead() && processes[1].canDeclareDead() })
	for n := range 4 {
		l.run(n, 200, 10*time.Millisecond)
	}
	client := server.Client(t)
	for range 4 { // every lease looks as if the clock had jumped by an hour
		for _, p := range processes {
			client.ZIncrBy(ctx, leases, -3_600_000, p.id)
		}
		testkit.Pause(testLease) // as long as a lease lasts
	}
	l.all.Wait()
}

func TestEveryProcessHearsOfARunToCancel(t *testing.T) {
	server := redistest.Start(t)
	heard := make(chan string, 2)
	o := Options{Cancelled: func(run string) { heard <- run }}
	a, _ := started(t, server.URL(), o), started(t, server.URL(), o)
	want := runInfo().Run
	if err := a.Cancel(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := <-heard; got != want {
			t.Errorf("run %s is to be cancelled, want %s", got, want)
		}
	}
}
