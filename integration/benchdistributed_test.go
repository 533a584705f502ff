package integration

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
)

const (
	benchDistributed = "BENCH_DISTRIBUTED"

	instances      = 3
	abroadRuns     = 1000
	abroadStudents = 24
	redisRestarts  = 3
	alike          = 100
	alikeGoal      = 3
	cpuShare       = 400_000_000 // of a core, in billionths: an instance's where throughput is compared
	throughputFor  = 8 * time.Second
	throughputGoal = 2.5
	throughputs    = 3 // pairs of one and three instances
)

// TestBenchDistributed measures three instances that share Redis and PostgreSQL. `make bench-distributed` runs it.
func TestBenchDistributed(t *testing.T) {
	if os.Getenv(benchDistributed) == "" {
		t.Skip("run it with make bench-distributed")
	}
	if err := buildImage(benchTag, benchTag); err != nil {
		t.Fatal(err)
	}
	measure(t, "distributed", chosen(t, benchDistributed, []benchPart{
		{"abroad", (*bench).abroad}, {"killed", (*bench).killed}, {"redis", (*bench).withoutRedis},
		{"alike", (*bench).alike}, {"throughput", (*bench).throughput},
	}))
}

// abroad: every run is made on one instance and watched on another.
func (b *bench) abroad() {
	f := b.newFleet(2, 0)
	c := &class{post: func() string { return f.all[1].url }, read: func() string { return f.all[0].url }}
	began := time.Now()
	c.make(abroadStudents, abroadRuns)
	b.whole(c, "runs made on another instance")
	b.zero("requests failed", int(c.unbegun.Load()), abroadRuns)
	b.tell("streams opened again", int(c.reconnects.Load()), abroadRuns,
		fmt.Sprintf("%.0f runs a second; %s", abroadRuns/time.Since(began).Seconds(), c.why()))
}

// whole judges that every run was seen whole, once.
func (b *bench) whole(c *class, what string) {
	b.Helper()
	n := int(c.runs.Load())
	b.zero(what+": events lost", int(c.missed.Load()), n)
	b.zero("... doubled", int(c.doubled.Load()), n)
	b.zero("... runs that did not end well", int(c.unended.Load()), n)
	b.Log(c.why())
}

// killed: an instance is killed in the middle of its runs and streams.
func (b *bench) killed() {
	f := b.newFleet(instances, 300*time.Millisecond)
	var dead atomic.Pointer[hosted]
	address := func() string { return f.elsewhere(dead.Load()) }
	c, stop := &class{post: address, read: address}, make(chan struct{})
	all := c.study(abroadStudents, stop)
	time.Sleep(2 * time.Second)
	dead.Store(f.all[0]) // a balancer would have noticed in a second; what is under way stays
	docker(b.T, "kill", f.all[0].GetContainerID())
	time.Sleep(3 * time.Second)
	close(stop)
	all.Wait()
	b.whole(c, "an instance killed")
	b.tell("requests that it was just being asked, lost with it", int(c.unbegun.Load()), int(c.runs.Load()), "")
	b.tell("streams opened again, elsewhere", int(c.reconnects.Load()), int(c.runs.Load()), "")
}

// withoutRedis: Redis is killed and comes back empty, again and again.
func (b *bench) withoutRedis() {
	f := b.newFleet(instances, 20*time.Millisecond)
	address := func() string { return f.elsewhere(nil) }
	c, stop := &class{post: address, read: address}, make(chan struct{})
	all := c.study(abroadStudents/2, stop)
	var chats asked
	all.Go(func() {
		chats = askAll(f.all[0].address, 4, question, func() (time.Time, bool) {
			select {
			case <-stop:
				return time.Now(), false
			default:
				return time.Now(), true
			}
		})
	})
	for range redisRestarts {
		time.Sleep(time.Second)
		docker(b.T, "kill", f.redis.GetContainerID())
		time.Sleep(time.Second)
		docker(b.T, "start", f.redis.GetContainerID())
	}
	time.Sleep(2 * time.Second)
	close(stop)
	all.Wait()
	b.zero("chat requests failed, Redis killed three times", len(chats.failures), len(chats.times))
	b.zero("runs not begun", int(c.unbegun.Load()), int(c.runs.Load()))
	b.whole(c, "Redis killed three times")
	if slices.Sort(chats.times); len(chats.times) > 0 {
		b.took("a chat answer meanwhile, p99", quantile(chats.times, .99), 0, len(chats.times), spread(chats.times))
	}
	b.complain(chats.failures)
}

// alike: the same question at once, to all instances.
func (b *bench) alike() {
	f := b.newFleet(instances, 500*time.Millisecond)
	var failed atomic.Int64
	var all sync.WaitGroup
	for i := range alike {
		all.Go(func() {
			answer, err := f.all[i%instances].send(http.MethodPost, "/api/ai/agent-test",
				[]byte(`{"type":"chat","user_id":"student","message":"What is light, and why?"}`))
			if err != nil || answer.status != http.StatusOK {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	b.zero("of 100 identical requests to three instances: failed", int(failed.Load()), alike)
	calls := int(f.asked.Load())
	b.add(benchRow{Name: "... calls of the model for an answer", N: alike, Measured: fmt.Sprint(calls), Goal: fmt.Sprintf("≤ %d", alikeGoal),
		Value: float64(calls), Pass: calls >= 1 && calls <= alikeGoal})
}

// throughput compares three instances with one, each limited to the same small share of a core.
func (b *bench) throughput() {
	f := b.newFleet(instances, -1, func(host *container.HostConfig) { host.NanoCPUs = cpuShare })
	f.flashcards(2*time.Second, f.all...) // so that all have done everything once
	var ratios, ones, threes []float64
	for range throughputs {
		one := f.flashcards(throughputFor, f.all[0])
		three := f.flashcards(throughputFor, f.all...)
		ones, threes, ratios = append(ones, one), append(threes, three), append(ratios, three/one)
	}
	slices.Sort(ratios)
	ratio := ratios[throughputs/2]
	b.add(benchRow{Name: "three instances' throughput to one's, cpus: 0.4 each, median of 3", N: 2 * throughputs,
		Measured: fmt.Sprintf("%.2f", ratio), Goal: fmt.Sprintf("≥ %.1f", throughputGoal), Value: ratio, Pass: ratio >= throughputGoal,
		Note: fmt.Sprintf("%.2f to %.2f; flashcards a second: one %.0f, three %.0f", ratios[0], ratios[throughputs-1], ones, threes)})
}
