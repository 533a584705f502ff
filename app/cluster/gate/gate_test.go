package gate

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/cluster/conn"
	"studysharper/app/limit"
	"studysharper/app/memory/shm"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// patient is how long tests wait for Redis: a busy machine may delay a command for longer
// than the service waits before it continues without Redis.
const patient = 10 * time.Second

// connected returns a separate connection, as of another process.
func connected(t *testing.T, url string) *conn.Conn {
	t.Helper()
	c, err := conn.New(url, conn.Options{Name: "test", Timeout: patient, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	running(t, c.Run)
	return c
}

// running calls run until the test ends.
func running(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Like minute and hour, but no quota is regained while a busy machine makes the requests.
var (
	minute = limit.Policy{Name: "minute", Quota: 10, Window: 10 * time.Hour}
	hour   = limit.Policy{Name: "hour", Quota: 100, Window: 1000 * time.Hour}
)

var errUnable = errors.New("unable")

// unable is a counter that always fails.
type unable struct{}

func (unable) Take(context.Context, string, []limit.Policy) (limit.Verdict, error) {
	return limit.Verdict{}, errUnable
}

func (unable) Peek(context.Context, string, []limit.Policy) (limit.Verdict, error) {
	return limit.Verdict{}, errUnable
}

// counter returns a counter with a long timeout and without a working fallback.
func counter(t *testing.T, url string) *Counter {
	t.Helper()
	c := NewCounter(connected(t, url), unable{})
	c.within = patient
	return c
}

// table returns the counter of one container.
func table() *limit.Table { return limit.NewTable(shm.Local(limit.TableSize)) }

func taken(t *testing.T, c limit.Counter, client string, policies ...limit.Policy) limit.Verdict {
	t.Helper()
	v, err := c.Take(t.Context(), client, policies)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestInstancesShareALimit(t *testing.T) {
	url := redistest.Start(t).URL()
	a, b := counter(t, url), counter(t, url)
	for i := range 5 {
		for j, c := range []limit.Counter{a, b} {
			if v := taken(t, c, "ann", minute, hour); !v.OK || v.Left[0].Remaining != 9-2*i-j || v.Left[1].Remaining != 99-2*i-j {
				t.Fatalf("request %d: %+v", 2*i+j+1, v)
			}
		}
	}
	for _, c := range []limit.Counter{a, b} { // one over the limit; a refused request does not count under the other policy either
		v := taken(t, c, "ann", minute, hour)
		if v.OK || v.RetryAfter <= 50*time.Minute || v.RetryAfter > time.Hour || v.Left[0].Remaining != 0 || v.Left[1].Remaining != 90 {
			t.Errorf("the eleventh: %+v", v)
		}
	}
	if v := taken(t, a, "bob", minute, hour); !v.OK || v.Left[0].Remaining != 9 {
		t.Errorf("another client: %+v", v)
	}
}

func TestAQuotaComesBackAndItsKeyGoes(t *testing.T) {
	server := redistest.Start(t)
	c := counter(t, server.URL())
	quick := limit.Policy{Name: "quick", Quota: 3, Window: 9 * time.Second}
	for range 3 {
		if v := taken(t, c, "ann\x00\n", quick); !v.OK {
			t.Fatalf("%+v", v)
		}
	}
	v := taken(t, c, "ann\x00\n", quick)
	if v.OK {
		t.Fatalf("the fourth: %+v", v)
	}
	testkit.Pause(v.RetryAfter)
	if v := taken(t, c, "ann\x00\n", quick); !v.OK {
		t.Errorf("after the wait it was told: %+v", v)
	}
	testkit.Eventually(t, "its key goes", func() bool {
		keys, err := server.Client(t).Keys(t.Context(), "studysharper:limit:*").Result()
		return err == nil && len(keys) == 0
	})
}

func TestRedisSaysWhatTheTableSays(t *testing.T) {
	c, s := counter(t, redistest.Start(t).URL()), table()
	for _, odd := range []limit.Policy{{Name: "a", Quota: 7, Window: time.Minute}, {Name: "b", Quota: 1, Window: time.Hour}, {Name: "c", Quota: 1000000, Window: time.Minute}, {Name: "d", Quota: 13, Window: time.Hour}} {
		for i := range 8 {
			peeked, err := c.Peek(t.Context(), "ann "+odd.Name, []limit.Policy{odd})
			own, shared := taken(t, s, "ann "+odd.Name, odd), taken(t, c, "ann "+odd.Name, odd)
			if err != nil || peeked.OK != own.OK {
				t.Errorf("%s, request %d: peeked %+v, %v, the table says %+v", odd.Name, i+1, peeked, err, own)
			}
			diff := shared.Left[0].Remaining - own.Left[0].Remaining // time passes between the two requests
			if own.OK != shared.OK || diff < -i-1 || diff > i+1 || (odd.Quota < 100 && diff != 0) {
				t.Errorf("%s, request %d: %+v, the table says %+v", odd.Name, i+1, shared, own)
			}
		}
	}
}

func TestNoClientsNameGoesToRedis(t *testing.T) {
	server := redistest.Start(t)
	taken(t, counter(t, server.URL()), "user SECRET", minute)
	keys, err := server.Client(t).Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 || strings.Contains(strings.Join(keys, " "), "SECRET") {
		t.Errorf("keys %q, %v", keys, err)
	}
}

func TestWithoutRedisEachInstanceCountsByItself(t *testing.T) {
	server := redistest.Start(t)
	c := counter(t, server.URL())
	c.own = table()
	for range 10 {
		taken(t, c, "ann", minute)
	}
	server.Kill()
	for range 10 {
		if v := taken(t, c, "ann", minute); !v.OK {
			t.Fatalf("by itself: %+v", v)
		}
	}
	if v := taken(t, c, "ann", minute); v.OK {
		t.Errorf("one past: %+v", v)
	}
	c.own = unable{}
	if _, err := c.Take(t.Context(), "ann", []limit.Policy{minute}); !errors.Is(err, conn.ErrDown) {
		t.Errorf("neither can: %v", err)
	}
}

func TestAClusterCounts(t *testing.T) {
	_, url := redistest.Cluster(t)
	c := counter(t, url)
	for _, client := range []string{"ann", "bob", "cid", "dan", "eve"} {
		if v := taken(t, c, client, minute, hour); !v.OK || v.Left[0].Remaining != 9 {
			t.Errorf("%s: %+v", client, v)
		}
	}
}

func TestTooManyPoliciesAreRefused(t *testing.T) {
	c := counter(t, redistest.Start(t).URL())
	if _, err := c.Take(t.Context(), "ann", []limit.Policy{minute, hour, minute}); err == nil {
		t.Error("three policies are taken")
	}
}

// door is a gate and the number that its process holds.
type door struct {
	*Gate
	held atomic.Int64
}

func newDoor(t *testing.T, url string, most int) *door {
	d := &door{}
	d.Gate = New(connected(t, url), "runs", most, d.held.Load)
	d.within = patient
	return d
}

func (d *door) enter() bool {
	return d.Admit(context.Background(), func() bool { d.held.Add(1); return true })
}

func TestAGateHoldsOverAllInstances(t *testing.T) {
	url := redistest.Start(t).URL()
	doors := []*door{newDoor(t, url, 50), newDoor(t, url, 50), newDoor(t, url, 50)}
	var in atomic.Int64
	var all sync.WaitGroup
	for _, d := range doors {
		for range 40 {
			all.Go(func() {
				if d.enter() {
					in.Add(1)
				}
			})
		}
	}
	all.Wait()
	if in.Load() != 50 {
		t.Fatalf("%d were let in", in.Load())
	}
	if doors[0].enter() { // one over the limit
		t.Error("the 51st is let in")
	}
	for _, d := range doors {
		if d.held.Load() > 0 {
			d.held.Add(-1)
			if !d.enter() {
				t.Error("a place given back cannot be had again")
			}
			return
		}
	}
}

func TestAProcessThatIsGoneCountsNoMore(t *testing.T) {
	url := redistest.Start(t).URL()
	gone, killed, stays := newDoor(t, url, 3), newDoor(t, url, 3), newDoor(t, url, 3)
	stop := running(t, gone.Run)
	if !gone.enter() || !killed.enter() || !stays.enter() || stays.enter() {
		t.Fatal("three and no more")
	}
	stop()
	if !stays.enter() || stays.enter() {
		t.Error("one place is free")
	}
	if n := stays.Total(); n != 3 {
		t.Errorf("the total is %d", n)
	}
	testkit.Pause(forgetDead + 1500*time.Millisecond) // nothing else reveals that the process was killed
	if !stays.enter() {
		t.Error("who was killed still counts")
	}
}

func TestAGateStandsOpenWithoutRedisAndWithoutABound(t *testing.T) {
	server := redistest.Start(t)
	bound, open := newDoor(t, server.URL(), 1), newDoor(t, server.URL(), 0)
	server.Kill()
	for range 3 {
		if !bound.enter() || !open.enter() {
			t.Fatal("it is shut")
		}
	}
	if n := bound.Total(); n != 3 {
		t.Errorf("the total is %d", n)
	}
	if bound.Admit(t.Context(), func() bool { return false }) {
		t.Error("admitted against its own refusal")
	}
}
