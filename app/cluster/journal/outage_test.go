package journal

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/cluster/failover"
	"studysharper/app/stream"
	"studysharper/app/stream/memory"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// container is a process with its own journal behind the one in Redis.
type container struct {
	*failover.Journal
	process *process
	local   *memory.Journal
}

func newContainer(t *testing.T, url string) *container {
	t.Helper()
	c := &container{local: memory.New(memory.Options{})}
	c.process = startedWith(t, url, Options{}, func(p *process) {
		c.Journal = failover.New(failover.Options{Shared: p, Local: c.local, Up: p.conn.Up})
		p.conn.Returned(c.Returned)
	})
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = c.Journal.Run(ctx) })
	t.Cleanup(func() { cancel(); run.Wait() })
	return c
}

func TestNoRequestFailsWhileRedisIsKilledThreeTimesUnderLoad(t *testing.T) {
	server := redistest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var loads []*traffic
	for range 2 {
		c := newContainer(t, server.URL())
		loads = append(loads, &traffic{t: t, ctx: ctx, writers: []stream.Journal{c}, readers: []stream.Journal{c}, lossy: true})
	}
	var killing sync.WaitGroup
	stop := make(chan struct{})
	killing.Go(func() {
		defer close(stop)
		for range 3 {
			testkit.Pause(time.Second) // between two deaths
			server.Kill()
			testkit.Pause(500 * time.Millisecond) // how long it is unreachable
			server.Resume(t)
		}
		testkit.Pause(500 * time.Millisecond)
	})
	runs := 0
	for more := true; more; runs++ {
		loads[runs%2].run(runs, 40, 10*time.Millisecond)
		select {
		case <-stop:
			more = false
		case <-time.After(15 * time.Millisecond):
		}
	}
	killing.Wait()
	for _, l := range loads {
		l.all.Wait()
	}
	local := 0
	for _, l := range loads {
		local += l.writers[0].(*container).local.Stats().Sessions
	}
	if local == 0 || local == runs {
		t.Errorf("%d of %d runs were local, want some", local, runs)
	}
	t.Logf("%d runs, %d of them local", runs, local)
}

func TestAFrozenRedisDelaysTheFirstRunsOnly(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	c := newContainer(t, server.URL())
	server.Freeze(t)
	defer server.Thaw(t)
	begun(t, c)
	if c.local.Stats().Runs != 1 || c.process.conn.Up() {
		t.Fatalf("%d runs are local, Up is %v", c.local.Stats().Runs, c.process.conn.Up())
	}
	before := c.process.Stats().Scripts
	for range 500 {
		begun(t, c)
	}
	if calls := c.process.Stats().Scripts - before; calls > 50 {
		t.Errorf("Redis was asked %d times while it was known to be away", calls)
	}
}

func TestAThousandRunsOfOneInstanceAreWatchedAtAnother(t *testing.T) {
	server := redistest.Start(t)
	a, b := started(t, server.URL(), roomy), started(t, server.URL(), roomy)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	const runs, atOnce = 1000, 25
	for n := 0; n < runs; n += atOnce {
		l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{a}, readers: []stream.Journal{b}}
		for k := range atOnce {
			l.run(n+k, 12, 0)
		}
		l.all.Wait()
	}
}

func TestWhicheverReplyOfRedisIsLostNoEventIs(t *testing.T) {
	hurried(t)
	server := redistest.Start(t)
	p := newProxy(t, server.Addr())
	c := newContainer(t, p.url())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	lost := 0
	for n := range int64(30) {
		testkit.Eventually(t, "Redis is there", c.process.conn.Up)
		var count atomic.Int64
		p.mute(func(request []byte) bool {
			return bytes.Contains(request, []byte("evalsha")) && count.Add(1) == n+1
		})
		l := &traffic{t: t, ctx: ctx, writers: []stream.Journal{c}, readers: []stream.Journal{c, c}}
		l.run(int(n), 12, time.Millisecond)
		l.all.Wait()
		if count.Load() > n {
			lost++
		}
	}
	if lost < 10 {
		t.Errorf("only %d replies were lost", lost)
	}
	testkit.Eventually(t, "no run is left open", func() bool {
		n, err := server.Client(t).Exists(context.Background(), allRuns(c.process)...).Result()
		return err == nil && n == 0
	})
}

func allRuns(p *process) (keys []string) {
	for _, base := range p.bases {
		keys = append(keys, base+"runs")
	}
	return keys
}
