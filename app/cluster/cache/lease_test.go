package cache_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	near "studysharper/app/cache"
	"studysharper/app/testkit"
	"studysharper/app/testkit/redistest"
)

// locking is a cache that coordinates who computes a value.
type locking interface {
	near.Cache
	AcquireOrWait(ctx context.Context, key string) (lead bool, done func())
}

// obtain does what a worker does: it looks up the value, asks whether it leads, and computes the value if it must.
func obtain(c locking, key string, produce func() []byte) string {
	if v, _, ok := c.Get(ctx, key); ok {
		return string(v)
	}
	lead, done := c.AcquireOrWait(ctx, key)
	defer done()
	if !lead {
		if v, _, ok := c.Get(ctx, key); ok {
			return string(v)
		}
	}
	value := produce()
	c.Set(ctx, key, value)
	return string(value)
}

// workers returns the caches of six processes.
func workers(t *testing.T, address string) map[string][]locking {
	kinds := map[string][]locking{}
	for range 6 {
		p := starts(t, address, ordinary)
		kinds["tiered"] = append(kinds["tiered"], p)
		kinds["redis"] = append(kinds["redis"], inRedis(t, p.conn, ordinary.far))
	}
	return kinds
}

func TestAHundredEqualRequestsOverSixProcessesMakeOneCall(t *testing.T) {
	server := redistest.Start(t)
	raw := server.Client(t)
	for kind, six := range workers(t, server.URL()) {
		for round := range 5 {
			key := fmt.Sprint(kind, round)
			var calls atomic.Int32
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range 100 {
				all.Go(func() {
					<-start
					got := obtain(six[i%6], key, func() []byte {
						calls.Add(1)
						testkit.Pause(200 * time.Millisecond)
						return []byte("answer")
					})
					if got != "answer" {
						t.Errorf("%s: %q", kind, got)
					}
				})
			}
			close(start)
			all.Wait()
			if n := calls.Load(); n != 1 {
				t.Errorf("%s: %d calls, want 1", kind, n)
			}
			testkit.Eventually(t, "the lease is given back", func() bool { return raw.Exists(ctx, "studysharper:l:"+key).Val() == 0 })
		}
	}
}

func TestTheLeaseOfALeaderThatWorksIsRenewedAndOfOneThatDiesEnds(t *testing.T) {
	server := redistest.Start(t)
	p, other := starts(t, server.URL(), ordinary), starts(t, server.URL(), ordinary)
	lead, done := p.AcquireOrWait(ctx, "key")
	if !lead {
		t.Fatal("nobody leads")
	}
	led := make(chan bool)
	go func() { l, d := other.AcquireOrWait(ctx, "key"); d(); led <- l }()
	select {
	case <-led:
		t.Fatal("the lease of a leader that works has ended")
	case <-time.After(3500 * time.Millisecond): // a lease lasts 3 s
	}
	done()
	done() // may be called again
	if !<-led {
		t.Error("who waits for a leader without a value must lead")
	}
	raw := server.Client(t)
	raw.Set(ctx, "studysharper:l:key", "of one that is dead", time.Second)
	if lead, done := other.AcquireOrWait(ctx, "key"); !lead {
		t.Error("a dead leader is waited for without end")
	} else {
		done()
	}
	testkit.Eventually(t, "it is another's lease, or none", func() bool { return raw.Exists(ctx, "studysharper:l:key").Val() == 0 })
}

func TestWhoDoesNotHaveTheLeaseDoesNotEndIt(t *testing.T) {
	server := redistest.Start(t)
	p := starts(t, server.URL(), ordinary)
	_, done := p.AcquireOrWait(ctx, "key")
	raw := server.Client(t)
	raw.Set(ctx, "studysharper:l:key", "another's by now", time.Minute)
	done()
	lead, end := p.AcquireOrWait(ended(ctx), "key")
	end()
	if !lead || raw.Get(ctx, "studysharper:l:key").Val() != "another's by now" {
		t.Errorf("lead %v, lease %q", lead, raw.Get(ctx, "studysharper:l:key").Val())
	}
}

func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func TestALeaderThatComesLateFindsTheValue(t *testing.T) {
	server := redistest.Start(t)
	a, b := starts(t, server.URL(), ordinary), starts(t, server.URL(), ordinary)
	a.Set(ctx, "key", []byte("value"))
	settled(t, server, "key", true)
	raw := server.Client(t)
	for _, c := range []locking{b, inRedis(t, b.conn, ordinary.far)} {
		testkit.Eventually(t, "it finds the value", func() bool {
			lead, done := c.AcquireOrWait(ctx, "key")
			done()
			return !lead && hit(c, "key", "value")
		})
	}
	if !hit(b.near, "key", "value") {
		t.Error("memory has it not")
	}
	testkit.Eventually(t, "the lease is given back", func() bool { return raw.Exists(ctx, "studysharper:l:key").Val() == 0 })
}

// A value goes to Redis after Set has returned, and the lease ends after that.
func TestTheLeaseEndsWhenRedisHasTheValue(t *testing.T) {
	server := redistest.Start(t)
	a, b := starts(t, server.URL(), ordinary), starts(t, server.URL(), ordinary)
	raw := server.Client(t)
	for i := range 50 {
		key := fmt.Sprint("key ", i)
		_, done := a.AcquireOrWait(ctx, key)
		followed := make(chan bool)
		go func() { lead, d := b.AcquireOrWait(ctx, key); d(); followed <- lead }()
		testkit.Eventually(t, "the other waits", func() bool { return raw.Exists(ctx, "studysharper:l:"+key).Val() == 1 })
		a.Set(ctx, key, noise(50_000))
		done()
		if <-followed {
			t.Fatal("led, when the value was just on its way")
		}
	}
}

func TestAllLeadAtOnceWhereRedisCannotSettleIt(t *testing.T) {
	dead := redistest.Start(t)
	frozen := redistest.Start(t)
	full := redistest.Start(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
	s := hurried()
	all := map[string]*process{"dead": starts(t, dead.URL(), s), "frozen": starts(t, frozen.URL(), s), "full": starts(t, full.URL(), s)}
	dead.Kill()
	frozen.Freeze(t)
	defer frozen.Thaw(t)
	full.Client(t).ConfigSet(ctx, "maxmemory", "1mb")
	for name, p := range all {
		const callers = 20
		led := make(chan func(), callers)
		for range callers {
			go func() {
				lead, done := p.AcquireOrWait(ctx, "key")
				if !lead {
					t.Errorf("%s: not led", name)
				}
				led <- done
			}()
		}
		patience := time.After(25 * time.Second) // a process that waits for another waits up to 30 s: none may finish before all lead
		for i := range callers {
			select {
			case done := <-led:
				defer done()
			case <-patience:
				t.Fatalf("%s: only %d of %d lead", name, i, callers)
			}
		}
	}
}

func TestWhoWaitsGoesOnWhenRedisDies(t *testing.T) {
	server := redistest.Start(t)
	a, b := starts(t, server.URL(), ordinary), starts(t, server.URL(), ordinary)
	_, done := a.AcquireOrWait(ctx, "key")
	defer done()
	led := make(chan bool)
	go func() { lead, d := b.AcquireOrWait(ctx, "key"); d(); led <- lead }()
	select {
	case <-led:
		t.Fatal("not held")
	case <-time.After(100 * time.Millisecond):
	}
	server.Kill()
	select {
	case lead := <-led:
		if !lead {
			t.Error("told that there is a value")
		}
	case <-time.After(25 * time.Second): // less than the 30 s after which all lead anyway
		t.Fatal("it waits for a dead Redis")
	}
}
