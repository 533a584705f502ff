package bench

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

	"studysharper/app/testkit"
	"studysharper/integration/harness"
)

const (
	distributedParts = "BENCH_DISTRIBUTED"

	instances      = 3
	abroadRuns     = 1000
	abroadStudents = 24
	redisRestarts  = 3
	alike          = 100
	alikeGoal      = 3
	cpuShare       = 400_000_000 // in billionths of a core: an instance's limit where throughput is compared
	throughputFor  = 8 * time.Second
	throughputGoal = 2.5
	throughputs    = 3 // number of pairs of one and three instances
)

// TestBenchDistributed measures three instances that share Redis and PostgreSQL. `make bench-distributed` runs it.
func TestBenchDistributed(t *testing.T) {
	if os.Getenv(distributedParts) == "" {
		t.Skip("run it with make bench-distributed")
	}
	if err := harness.BuildImage(benchTag, benchTag); err != nil {
		t.Fatal(err)
	}
	measure(t, "distributed", chosen(t, distributedParts, []benchPart{
		{"abroad", (*bench).abroad}, {"killed", (*bench).killed}, {"redis", (*bench).withoutRedis},
		{"alike", (*bench).alike}, {"throughput", (*bench).throughput},
	}))
}

// abroad starts every run on one instance and watches it on another.
func (b *bench) abroad() {
	f := b.newFleet(2, 0)
	c := &harness.RunClients{Post: func() string { return f.all[1].URL }, Read: func() string { return f.all[0].URL }}
	began := time.Now()
	c.Make(abroadStudents, abroadRuns)
	b.whole(c, "runs made on another instance")
	b.zero("requests failed", int(c.Unbegun.Load()), abroadRuns)
	b.tell("streams reopened", int(c.Reconnects.Load()), abroadRuns,
		fmt.Sprintf("%.0f runs a second; %s", abroadRuns/time.Since(began).Seconds(), c.FirstFailure()))
}

// whole checks that every run was received completely, and only once.
func (b *bench) whole(c *harness.RunClients, what string) {
	b.Helper()
	n := int(c.Runs.Load())
	if lost := int(c.Missed.Load()); c.GapsAllowed {
		b.tell(what+": events lost, reported by a gap", lost, n, "")
	} else {
		b.zero(what+": events lost", lost, n)
	}
	b.zero("... doubled", int(c.Doubled.Load()), n)
	b.zero("... runs that did not end correctly", int(c.Unended.Load()), n)
	b.Log(c.FirstFailure())
}

// killed kills an instance in the middle of its runs and streams.
func (b *bench) killed() {
	f := b.newFleet(instances, 300*time.Millisecond)
	var dead atomic.Pointer[harness.Instance]
	address := func() string { return f.elsewhere(dead.Load()) }
	c, stop := &harness.RunClients{Post: address, Read: address}, make(chan struct{})
	all := c.Start(abroadStudents, stop)
	testkit.Pause(2 * time.Second)
	dead.Store(f.all[0]) // a balancer would notice within a second; requests in progress stay
	harness.Docker(b.T, "kill", f.all[0].GetContainerID())
	testkit.Pause(3 * time.Second)
	close(stop)
	all.Wait()
	b.whole(c, "an instance killed")
	b.tell("requests in progress lost with the instance", int(c.Unbegun.Load()), int(c.Runs.Load()), "")
	b.tell("streams reopened on another instance", int(c.Reconnects.Load()), int(c.Runs.Load()), "")
}

// withoutRedis kills Redis and restarts it empty, repeatedly.
func (b *bench) withoutRedis() {
	f := b.newFleet(instances, 20*time.Millisecond)
	address := func() string { return f.elsewhere(nil) }
	// What Redis loses is not sent again: readers are answered from the run's record, after a gap.
	c, stop := &harness.RunClients{Post: address, Read: address, GapsAllowed: true}, make(chan struct{})
	all := c.Start(abroadStudents/2, stop)
	var chats harness.Outcome
	all.Go(func() {
		chats = harness.AskAll(f.all[0].Address, 4, harness.Question, func() (time.Time, bool) {
			select {
			case <-stop:
				return time.Now(), false
			default:
				return time.Now(), true
			}
		})
	})
	for range redisRestarts {
		testkit.Pause(time.Second)
		harness.Docker(b.T, "kill", f.redis.GetContainerID())
		testkit.Pause(time.Second)
		harness.Docker(b.T, "start", f.redis.GetContainerID())
	}
	testkit.Pause(2 * time.Second)
	close(stop)
	all.Wait()
	b.zero("chat requests failed, Redis killed three times", len(chats.Failures), len(chats.Times))
	b.zero("runs not started", int(c.Unbegun.Load()), int(c.Runs.Load()))
	b.whole(c, "Redis killed three times")
	if slices.Sort(chats.Times); len(chats.Times) > 0 {
		b.took("a chat answer during the outages, p99", harness.Quantile(chats.Times, .99), 0, len(chats.Times), harness.Spread(chats.Times))
	}
	b.complain(chats.Failures)
}

// alike sends the same question to all instances at once.
func (b *bench) alike() {
	f := b.newFleet(instances, 500*time.Millisecond)
	var failed atomic.Int64
	var all sync.WaitGroup
	for i := range alike {
		all.Go(func() {
			answer, err := f.all[i%instances].Send(http.MethodPost, "/api/ai/agent-test",
				[]byte(`{"type":"chat","user_id":"student","message":"What is light, and why?"}`))
			if err != nil || answer.Status != http.StatusOK {
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
	f.flashcards(2*time.Second, f.all...) // so that all are warmed up
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
