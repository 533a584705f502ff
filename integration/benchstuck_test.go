package integration

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"studysharper/loadtest/swarm"
)

const (
	stuckReaders  = 1000
	stuckSessions = 200 // five readers each that never read
	goodReaders   = 200 // half of them on sessions of the stuck ones
	stuckPad      = 200
	stuckFor      = 10 * time.Second
	stuckEvery    = 20 * time.Millisecond  // for each of stuckSessions: 10,000 events a second in all
	goodEvery     = 100 * time.Millisecond // for each of the other sessions
	stuckBound    = 32_000_000
	slowerBound   = 10 * time.Millisecond
)

// stuck: readers that never read must cost little, and cost the others nothing. The same good readers are measured
// first without and then with them, while the same events go on.
func (b *bench) stuck() {
	h := b.start(nil)
	c := newCrowd(b.T, h, swarm.Options{})
	shared, apart := newSessions(stuckSessions), newSessions(goodReaders/2)
	besides := c.add(shared[:goodReaders/2], swarm.StreamOptions{})
	alone := c.add(apart, swarm.StreamOptions{})
	c.open(b, slices.Concat(besides, alone))
	const whole = 4 * stuckFor // opening the stuck ones in the middle, and some to spare
	h.publish(b, publication{Sessions: shared, Events: int(whole / stuckEvery), EveryMS: int(stuckEvery.Milliseconds()), Pad: stuckPad})
	h.publish(b, publication{Sessions: apart, Events: int(whole / goodEvery), EveryMS: int(goodEvery.Milliseconds()), Pad: stuckPad})
	time.Sleep(settleFor) // journals are full by then
	watch := watchMemory(h)
	defer watch.end(b.T)
	without := during(stuckFor)
	before := watch.highest()

	idle := h.activeStreams(b.T)
	var stuck []*swarm.Stream
	for i := range stuckReaders {
		stuck = append(stuck, c.Stream("/api/ai/stream/"+shared[i%stuckSessions], swarm.StreamOptions{Stuck: true, ReceiveBuffer: 1}))
	}
	c.Open(stuck...)
	most := h.awaitStreams(b.T, idle+stuckReaders)
	clock := h.cpu(b)
	with := during(stuckFor)
	b.cores(h, clock, stuckReaders)
	left := h.activeStreams(b.T) - idle
	peak := watch.highest()
	b.exactly("readers that never read", most-idle, stuckReaders, stuckReaders)
	b.tell("of them still open after 10 s", left, stuckReaders, "one whose write waits for too long may be ended")
	b.bytes("memory without them, peak", before.held, 0, stuckReaders, before.words())
	b.bytes("memory with them, peak", peak.held, 0, stuckReaders, peak.words())
	b.bytes("memory grew by, at most", peak.held-before.held, stuckBound, stuckReaders, "")
	b.compare(c, "on other sessions", alone, without, with)
	b.compare(c, "on the same sessions", besides, without, with)
	counts := c.Counts()
	b.zero("events lost to the good readers", int(counts.Lost), int(counts.Events))
	b.zero("events doubled or out of order", int(counts.Doubled), int(counts.Events))
	b.zero("good readers cut off", int(counts.Broken), goodReaders)
	b.sameWorkers(h)
}

// window is a time in which events are made.
type window struct{ from, to time.Time }

// during waits for so long.
func during(d time.Duration) window {
	from := time.Now()
	time.Sleep(d)
	return window{from, from.Add(d)}
}

// compare holds the good readers' p99 with the stuck ones to that without.
func (b *bench) compare(c *crowd, who string, streams []*swarm.Stream, without, with window) {
	ours := map[*swarm.Stream]bool{}
	for _, st := range streams {
		ours[st] = true
	}
	in := func(w window) []time.Duration {
		return c.delivered(func(d delivery) bool {
			return ours[d.stream] && d.made >= w.from.UnixNano() && d.made < w.to.UnixNano()
		})
	}
	calm, busy := in(without), in(with)
	b.took("good readers "+who+", without: delivery, p99", quantile(calm, .99), 0, len(calm), spread(calm))
	b.took("good readers "+who+", with: delivery, p99", quantile(busy, .99), 2*quantile(calm, .99)+slowerBound, len(busy), spread(busy))
}

// activeStreams is how many the service says are open, over all workers.
func (h *hosted) activeStreams(t *testing.T) int {
	t.Helper()
	got, err := h.send(http.MethodGet, "/api/ai/stream-status", nil)
	var status struct {
		Active int `json:"active_connections"`
	}
	if err == nil {
		err = json.Unmarshal(got.body, &status)
	}
	if err != nil {
		t.Fatalf("GET /api/ai/stream-status: %v: %s", err, got.body)
	}
	return status.Active
}

// awaitStreams waits until so many streams are open, and gives how many were at most.
func (h *hosted) awaitStreams(t *testing.T, want int) int {
	t.Helper()
	most := 0
	for deadline := time.Now().Add(stuckFor); most < want && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		most = max(most, h.activeStreams(t))
	}
	return most
}

// memoryWatch looks at a container's memory ten times a second, connections' buffers included.
type memoryWatch struct {
	stop, done chan struct{}
	mu         sync.Mutex
	peak       memoryNow // where held was highest since that was last asked
	err        error
}

func watchMemory(h *hosted) *memoryWatch {
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

func (w *memoryWatch) look(h *hosted) bool {
	m, err := h.readMemory()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err = err; err != nil {
		return false
	}
	if m.held > w.peak.held {
		w.peak = m
	}
	return true
}

// highest is the reading where most was held since it was last asked for.
func (w *memoryWatch) highest() memoryNow {
	w.mu.Lock()
	defer w.mu.Unlock()
	peak := w.peak
	w.peak = memoryNow{}
	return peak
}

// end stops looking.
func (w *memoryWatch) end(t *testing.T) {
	t.Helper()
	close(w.stop)
	<-w.done
	if w.err != nil {
		t.Fatalf("reading the container's memory: %v", w.err)
	}
}
