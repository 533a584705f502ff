package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"studysharper/app/testkit"
	"studysharper/loadtest/swarm"
)

const (
	// OpenWithin limits how long all streams of a test may take to open: less than a session without a run stays open.
	OpenWithin = 50 * time.Second
	// EndWithin limits how long streams may take to end with their runs.
	EndWithin = 90 * time.Second
	// RunWithin limits one run.
	RunWithin = time.Minute
	// RunLook is the interval between two checks of a stream.
	RunLook = 5 * time.Millisecond
)

// NewSessions returns new session ids.
func NewSessions(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = uuid.NewString()
	}
	return ids
}

// Readers reads many streams of a service, and measures how long each event took.
type Readers struct {
	*swarm.Swarm
	streams []*swarm.Stream

	mu    sync.Mutex
	times []Delivery
}

// Delivery is one token event: when it was published, and how long it took to reach the client.
type Delivery struct {
	Stream *swarm.Stream
	Made   int64 // when it was published, in Unix nanoseconds
	Took   time.Duration
}

// mostDeliveries is the capacity for deliveries, allocated in advance because the client shares its cores with the
// service.
const mostDeliveries = 1 << 19

// NewReaders returns readers without a stream. They are closed when the test ends.
func NewReaders(t *testing.T, h *Instance, o swarm.Options) *Readers {
	t.Helper()
	c := &Readers{times: make([]Delivery, 0, mostDeliveries)}
	o.Address, o.Took = h.Address, c.took
	var err error
	if c.Swarm, err = swarm.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Add adds a stream for each session. Open opens them.
func (c *Readers) Add(sessions []string, o swarm.StreamOptions) []*swarm.Stream {
	added := make([]*swarm.Stream, len(sessions))
	for i, session := range sessions {
		added[i] = c.Stream("/api/ai/stream/"+session, o)
	}
	c.streams = append(c.streams, added...)
	return added
}

// took records a token of the publishing build. Its text is the time when it was published, a space and padding. The
// journal may have joined several tokens into one event.
func (c *Readers) took(st *swarm.Stream, e swarm.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for text := e.Text(); ; {
		end := bytes.IndexByte(text, ' ')
		if end < 0 {
			return
		}
		made, err := strconv.ParseInt(string(bytes.TrimLeft(text[:end], "x")), 10, 64)
		if err != nil {
			return // a token of a real run
		}
		c.times = append(c.times, Delivery{st, made, e.At.Sub(time.Unix(0, made))})
		text = text[end+1:]
	}
}

// Tokens counts the tokens of each stream. One event may hold several.
func (c *Readers) Tokens() map[*swarm.Stream]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := map[*swarm.Stream]int{}
	for _, d := range c.times {
		counts[d.Stream]++
	}
	return counts
}

// Delivered returns the sorted delivery times of the events for which wanted returns true.
func (c *Readers) Delivered(wanted func(Delivery) bool) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var times []time.Duration
	for _, d := range c.times {
		if wanted(d) {
			times = append(times, d.Took)
		}
	}
	slices.Sort(times)
	return times
}

// EveryDelivery selects every event.
func EveryDelivery(Delivery) bool { return true }

// FirstFailure describes the first stream that failed or was refused.
func (c *Readers) FirstFailure() string {
	for _, st := range c.streams {
		if s := st.State(); s.Err != nil || s.Status != 0 && s.Status != http.StatusOK {
			return fmt.Sprintf("status %d, %v", s.Status, s.Err)
		}
	}
	return "none"
}

// AwaitCounts waits until done returns true, and returns the counts. The test fails if that takes longer than within.
func (c *Readers) AwaitCounts(t *testing.T, within time.Duration, done func(swarm.Counts) bool) swarm.Counts {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	got, err := c.Await(ctx, done)
	if err != nil {
		t.Errorf("after %v: %v", within, err)
	}
	return got
}

// AwaitStream waits until a stream is in a wanted state, for RunWithin at most. It returns false if the stream breaks first.
func AwaitStream(st *swarm.Stream, wanted func(swarm.State) bool) bool {
	var s swarm.State
	ended := testkit.PollFor(RunWithin, RunLook, func() bool {
		s = st.State()
		return wanted(s) || s.Err != nil
	})
	return ended && s.Err == nil
}

// ActiveStreams returns how many streams are open in all workers, by the service's own count.
func (h *Instance) ActiveStreams(t *testing.T) int {
	t.Helper()
	got, err := h.Send(http.MethodGet, "/api/ai/stream-status", nil)
	var status struct {
		Active int `json:"active_connections"`
	}
	if err == nil {
		err = json.Unmarshal(got.Body, &status)
	}
	if err != nil {
		t.Fatalf("GET /api/ai/stream-status: %v: %s", err, got.Body)
	}
	return status.Active
}

// AwaitStreams waits until a number of streams are open, and returns the highest number seen.
func (h *Instance) AwaitStreams(t *testing.T, want int) int {
	t.Helper()
	most := 0
	testkit.PollFor(ReadyWithin, 20*time.Millisecond, func() bool {
		most = max(most, h.ActiveStreams(t))
		return most >= want
	})
	return most
}

// Refusals returns the sorted times from connect to answer of the refused streams, and how many of the answers are not a 503
// with Retry-After.
func Refusals(streams []*swarm.Stream) (times []time.Duration, wrong int) {
	for _, st := range streams {
		s := st.State()
		if s.Status == 0 || s.Status == http.StatusOK {
			continue
		}
		times = append(times, s.Answered.Sub(s.Began))
		if seconds, err := strconv.Atoi(s.RetryAfter); s.Status != http.StatusServiceUnavailable || err != nil || seconds < 1 {
			wrong++
		}
	}
	slices.Sort(times)
	return times, wrong
}
