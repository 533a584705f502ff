package bench

import (
	"slices"
	"sync"
	"testing"
	"time"

	"studysharper/app/testkit"
	"studysharper/integration/harness"
	"studysharper/loadtest/swarm"
)

const (
	stuckReaders  = 1000
	stuckSessions = 200 // each with five readers that never read
	goodReaders   = 200 // half of them on the sessions of the stuck ones
	stuckPad      = 200
	stuckFor      = 10 * time.Second
	stuckEvery    = 20 * time.Millisecond  // for each of stuckSessions: 10,000 events a second in all
	goodEvery     = 100 * time.Millisecond // for each of the other sessions
	stuckBound    = 32_000_000
	slowerBound   = 10 * time.Millisecond
)

// stuck checks that readers that never read cost little and do not affect the others. The same good readers are
// measured first without and then with them, while the same events are published.
func (b *bench) stuck() {
	h := b.start(nil)
	c := harness.NewReaders(b.T, h, swarm.Options{})
	shared, apart := harness.NewSessions(stuckSessions), harness.NewSessions(goodReaders/2)
	besides := c.Add(shared[:goodReaders/2], swarm.StreamOptions{})
	alone := c.Add(apart, swarm.StreamOptions{})
	open(c, b, slices.Concat(besides, alone))
	const whole = 4 * stuckFor // includes opening the stuck ones in the middle, and some to spare
	publish(h, b, publication{Sessions: shared, Events: int(whole / stuckEvery), EveryMS: int(stuckEvery.Milliseconds()), Pad: stuckPad})
	publish(h, b, publication{Sessions: apart, Events: int(whole / goodEvery), EveryMS: int(goodEvery.Milliseconds()), Pad: stuckPad})
	testkit.Pause(harness.SettleFor) // the journals are full by then
	watch := watchMemory(h)
	defer watch.end(b.T)
	without := during(stuckFor)
	before := watch.highest()

	idle := h.ActiveStreams(b.T)
	var stuck []*swarm.Stream
	for i := range stuckReaders {
		stuck = append(stuck, c.Stream("/api/ai/stream/"+shared[i%stuckSessions], swarm.StreamOptions{Stuck: true, ReceiveBuffer: 1}))
	}
	c.Open(stuck...)
	most := h.AwaitStreams(b.T, idle+stuckReaders)
	clock := h.CPU(b)
	with := during(stuckFor)
	b.cores(h, clock, stuckReaders)
	left := h.ActiveStreams(b.T) - idle
	peak := watch.highest()
	b.exactly("readers that never read", most-idle, stuckReaders, stuckReaders)
	b.tell("of these, still open after 10 s", left, stuckReaders, "one whose write waits for too long may be ended")
	b.bytes("memory without them, peak", before.Held, 0, stuckReaders, before.String())
	b.bytes("memory with them, peak", peak.Held, 0, stuckReaders, peak.String())
	b.bytes("memory growth, highest", peak.Held-before.Held, stuckBound, stuckReaders, "")
	b.compare(c, "on other sessions", alone, without, with)
	b.compare(c, "on the same sessions", besides, without, with)
	counts := c.Counts()
	b.zero("events that good readers lost", int(counts.Lost), int(counts.Events))
	b.zero("events doubled or out of order", int(counts.Doubled), int(counts.Events))
	b.zero("good readers cut off", int(counts.Broken), goodReaders)
	b.sameWorkers(h)
}

// window is a period in which events are published.
type window struct{ from, to time.Time }

// during waits for d, and returns when that began and ended.
func during(d time.Duration) window {
	from := time.Now()
	testkit.Pause(d)
	return window{from, from.Add(d)}
}

// compare compares the good readers' p99 with and without the stuck ones.
func (b *bench) compare(c *harness.Readers, who string, streams []*swarm.Stream, without, with window) {
	ours := map[*swarm.Stream]bool{}
	for _, st := range streams {
		ours[st] = true
	}
	in := func(w window) []time.Duration {
		return c.Delivered(func(d harness.Delivery) bool {
			return ours[d.Stream] && d.Made >= w.from.UnixNano() && d.Made < w.to.UnixNano()
		})
	}
	calm, busy := in(without), in(with)
	b.took("good readers "+who+", without: delivery, p99", harness.Quantile(calm, .99), 0, len(calm), harness.Spread(calm))
	b.took("good readers "+who+", with: delivery, p99", harness.Quantile(busy, .99), 2*harness.Quantile(calm, .99)+slowerBound, len(busy), harness.Spread(busy))
}

// memoryWatch reads a container's memory ten times a second, including connections' buffers.
type memoryWatch struct {
	stop, done chan struct{}
	mu         sync.Mutex
	peak       harness.MemoryUse // the highest reading since it was last requested
	err        error
}

func watchMemory(h *harness.Instance) *memoryWatch {
	w := &memoryWatch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for w.look(h) {
			select {
			case <-w.stop:
				return
			case <-tick.C:
			}
		}
	}()
	return w
}

func (w *memoryWatch) look(h *harness.Instance) bool {
	m, err := h.ReadMemory()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err = err; err != nil {
		return false
	}
	if m.Held > w.peak.Held {
		w.peak = m
	}
	return true
}

// highest returns the highest reading since the last call.
func (w *memoryWatch) highest() harness.MemoryUse {
	w.mu.Lock()
	defer w.mu.Unlock()
	peak := w.peak
	w.peak = harness.MemoryUse{}
	return peak
}

// end stops the watch.
func (w *memoryWatch) end(t *testing.T) {
	t.Helper()
	close(w.stop)
	<-w.done
	if w.err != nil {
		t.Fatalf("reading the container's memory: %v", w.err)
	}
}
