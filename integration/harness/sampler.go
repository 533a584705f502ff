package harness

import (
	"testing"
	"time"
)

const (
	sampleEvery = 100 * time.Millisecond
	// mostMoments limits the moments of a curve, to 20 minutes. In a longer curve, the higher of each two moments is
	// kept.
	mostMoments = 12_000
)

// moment is one point of a curve, in bytes.
type moment struct {
	At     float64 `json:"t"` // seconds since the curve began
	Held   int64   `json:"held"`
	Anon   int64   `json:"anon"`
	Kernel int64   `json:"kernel"`
}

// curve is memory over time.
type curve struct {
	Moments []moment
	stride  int // readings per moment
	merged  int // readings in the last moment so far; 0 = it is complete
}

// add adds a reading. Of the readings joined into a moment, the highest is kept.
func (c *curve) add(m moment) {
	if last := len(c.Moments) - 1; c.merged == 0 {
		c.Moments = append(c.Moments, m)
	} else if m.Held > c.Moments[last].Held {
		c.Moments[last] = m
	}
	c.stride = max(c.stride, 1)
	c.merged = (c.merged + 1) % c.stride
	if len(c.Moments) == mostMoments && c.merged == 0 {
		c.halve()
	}
}

func (c *curve) halve() {
	half := c.Moments[:0]
	for i := 0; i < len(c.Moments); i += 2 {
		higher := c.Moments[i]
		if c.Moments[i+1].Held > higher.Held {
			higher = c.Moments[i+1]
		}
		half = append(half, higher)
	}
	c.Moments = half
	c.stride *= 2
}

// Sampler reads a container's memory every 100 ms until it is stopped.
type Sampler struct {
	read  func() (Reading, error)
	Began time.Time
	Stop  chan struct{}
	Done  chan struct{}

	// Safe to read once Done is closed.
	Curve   curve
	Peak    int64 // highest reading
	highest int64 // highest memory since the container's start, including the kernel's peak
	last    Reading
	Err     error
}

// Sample starts reading a control group. On v1 the readings exclude the sockets' buffers.
func Sample(t *testing.T, group Cgroup) *Sampler {
	t.Helper()
	return sampling(group.Read)
}

// Sample starts reading the container's control group, and on v1 the sockets' buffers too.
func (h *Instance) Sample() *Sampler { return sampling(h.ReadCgroup) }

func sampling(read func() (Reading, error)) *Sampler {
	s := &Sampler{read: read, Began: time.Now(), Stop: make(chan struct{}), Done: make(chan struct{})}
	go s.run()
	return s
}

func (s *Sampler) run() {
	defer close(s.Done)
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for s.take() {
		select {
		case <-s.Stop:
			s.take()
			return
		case <-tick.C:
		}
	}
}

// take takes one reading, and reports whether that succeeded.
func (s *Sampler) take() bool {
	now, err := s.read()
	if s.Err = err; err != nil {
		return false
	}
	before := s.last
	if len(s.Curve.Moments) == 0 {
		before = Reading{inactiveFile: now.inactiveFile} // the peak since the start counts, less what is inactive now
	}
	s.last = now
	s.Peak = max(s.Peak, now.Held())
	s.highest = max(s.highest, now.peakSince(before))
	s.Curve.add(moment{time.Since(s.Began).Seconds(), now.Held(), now.anon, now.kernel})
	return true
}

// End stops sampling after one last reading. It returns the highest memory since the container's start, and that
// reading.
func (s *Sampler) End(t *testing.T) (int64, Reading) {
	t.Helper()
	close(s.Stop)
	<-s.Done
	if s.Err != nil {
		t.Fatalf("reading the control group: %v", s.Err)
	}
	return s.highest, s.last
}
